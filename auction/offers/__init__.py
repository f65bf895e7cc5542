"""Offers from one player to another: gold and goods both ways, through the agreement where they live apart."""
