"""The capacity model: what houses of 3 to 1,000 nodes give, from what the steps of real nodes cost on this machine.

    measuring, measuring_one, probe, fitting ─► calibration.toml        real nodes, `--calibrate`
    calibration.toml, prices.toml, evening.toml ─► study ─► report, pictures
        study ─► load ─► house ─► node ─► events                       the simulation
    check                                                               the simulation beside real nodes

docs/capacity.md has the assumptions, the model in words, and what came out.
"""
