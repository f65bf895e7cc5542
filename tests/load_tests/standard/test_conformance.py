"""The conformance tests of the methods that the standard architecture serves, as they are, against it.

Left out are tests that also call what is not served (cancelling, taking, freezing, offers, commodities, watches), and
what is the gateway's own code and tested with the node.
"""

from tests.conformance.test_bids import (
    test_a_leader_may_only_raise,
    test_a_losing_bid_is_answered_outbid_with_where_the_listing_stands,
    test_a_losing_bid_must_be_covered_all_the_same,
    test_a_player_may_lead_so_many_listings,
    test_a_raise_holds_only_the_difference,
    test_a_winning_bid_is_answered_with_the_listing,
    test_gold_that_is_not_there_cannot_be_bid,
    test_min_bid_is_the_least_that_is_taken,
    test_refusals_of_a_bid_come_in_their_order,
    test_the_buyout_price_cannot_be_bid,
    test_who_led_is_told_and_has_the_gold_back,
)
from tests.conformance.test_buyouts import (
    test_a_buyout_closes_the_listing_and_pays_everybody,
    test_a_buyout_is_at_the_price_that_the_player_saw,
    test_a_buyout_refunds_who_leads,
    test_a_leader_who_buys_out_pays_the_difference,
    test_a_leader_without_the_difference_cannot_buy_out,
    test_a_sale_is_told_to_both,
    test_refusals_of_a_buyout_come_in_their_order,
)
from tests.conformance.test_deliveries import (
    test_a_delivery_is_claimed_once_and_by_its_owner,
    test_deliveries_are_read_page_by_page,
    test_what_is_claimed_is_in_wallet_and_stash,
)
from tests.conformance.test_keys import (
    test_a_key_holds_across_connections_and_encodings,
    test_a_key_is_its_players_own,
    test_a_repeat_gets_the_first_answer_and_does_nothing,
    test_outbid_is_stored_with_its_key,
    test_the_key_is_checked_before_existence,
    test_two_requests_with_one_key_in_flight_are_one,
)
from tests.conformance.test_listings import (
    test_a_bound_item_cannot_be_sold,
    test_a_listing_is_made_of_an_item_and_its_prices,
)
from tests.conformance.test_players import test_the_inventory_is_read_page_by_page
from tests.conformance.test_search import (
    market,
    test_a_players_own_listings_are_found_too,
    test_searches_sort_and_filter_by_what_items_are,
)
from tests.conformance.test_session import (
    test_a_second_login_changes_the_player,
    test_before_login_nothing_may_be_called,
    test_login_tells_who_the_caller_is,
)

__all__ = [
    "market",
    "test_a_bound_item_cannot_be_sold",
    "test_a_buyout_closes_the_listing_and_pays_everybody",
    "test_a_buyout_is_at_the_price_that_the_player_saw",
    "test_a_buyout_refunds_who_leads",
    "test_a_delivery_is_claimed_once_and_by_its_owner",
    "test_a_key_holds_across_connections_and_encodings",
    "test_a_key_is_its_players_own",
    "test_a_leader_may_only_raise",
    "test_a_leader_who_buys_out_pays_the_difference",
    "test_a_leader_without_the_difference_cannot_buy_out",
    "test_a_listing_is_made_of_an_item_and_its_prices",
    "test_a_losing_bid_is_answered_outbid_with_where_the_listing_stands",
    "test_a_losing_bid_must_be_covered_all_the_same",
    "test_a_player_may_lead_so_many_listings",
    "test_a_players_own_listings_are_found_too",
    "test_a_raise_holds_only_the_difference",
    "test_a_repeat_gets_the_first_answer_and_does_nothing",
    "test_a_sale_is_told_to_both",
    "test_a_second_login_changes_the_player",
    "test_a_winning_bid_is_answered_with_the_listing",
    "test_before_login_nothing_may_be_called",
    "test_deliveries_are_read_page_by_page",
    "test_gold_that_is_not_there_cannot_be_bid",
    "test_login_tells_who_the_caller_is",
    "test_min_bid_is_the_least_that_is_taken",
    "test_outbid_is_stored_with_its_key",
    "test_refusals_of_a_bid_come_in_their_order",
    "test_refusals_of_a_buyout_come_in_their_order",
    "test_searches_sort_and_filter_by_what_items_are",
    "test_the_buyout_price_cannot_be_bid",
    "test_the_inventory_is_read_page_by_page",
    "test_the_key_is_checked_before_existence",
    "test_two_requests_with_one_key_in_flight_are_one",
    "test_what_is_claimed_is_in_wallet_and_stash",
    "test_who_led_is_told_and_has_the_gold_back",
]
