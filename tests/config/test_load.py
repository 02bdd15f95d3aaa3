# SPDX-License-Identifier: Apache-2.0
"""Scenario files: defaults, overrides, price files, all errors at once, and writing back."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from simulation.agents import SETTINGS_CLASSES
from simulation.config import (
    Distribution,
    ReplaySpec,
    WaypointSpec,
    available_scenarios,
    dump_scenario,
    knob,
    load_scenario,
    parse_override,
    varies,
)
from simulation.config.kinds import SECONDS, USD
from simulation.errors import InputError, ScenarioError

MINIMAL = """
[scenario]
name = "trial"
start = 2024-01-01T00:00:00Z
duration = "10 min"

[assets.ETH]
kind = "gbm"
price = "2_000 USD"
volatility = "60 %/year"

[protocol.markets.ETH]
asset = "ETH"
initial_margin = "5 %"
maintenance_margin = "3 %"

[agents.noise]
kind = "noise_trader"
count = 3
size = "100 USD"
"""


@dataclasses.dataclass(frozen=True, slots=True)
class NoiseSettings:
    size: Distribution = knob(varies(USD), {"lognormal": ["500 USD", 1.0]})
    pause: int = knob(SECONDS, "1 min", low="1 s")


KINDS = {"noise_trader": NoiseSettings}


def written(folder: Path, text: str = MINIMAL) -> str:
    path = folder / "trial.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def lines_of(error: pytest.ExceptionInfo[ScenarioError]) -> list[str]:
    return str(error.value).splitlines()


def test_defaults_stand_behind_what_the_file_leaves_out(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path))
    assert (scenario.name, scenario.seed, scenario.start, scenario.blocks) == ("trial", 1, 1_704_067_200, 50)
    assert scenario.gas.block_gas_limit == 30_000_000
    assert scenario.protocol.markets["ETH"].funding.convergence == 8 * 3600
    assert scenario.agents["noise"].count == 3
    assert scenario.agents["noise"].params == {"size": "100 USD"}


def test_agents_are_read_by_the_settings_of_their_kind(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path), agent_kinds=KINDS)
    assert scenario.agents["noise"].settings == NoiseSettings(
        size=Distribution("constant", (100.0,)), pause=60
    )


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace('"10 min"', "600").replace('"60 %/year"', '"60 %"').replace('"3 %"', '"-3 %"')
    text += '\npause = "0 s"\nmood = "good"\n\n[agents.bots]\nkind = "kepper"\n\n[gass]\n'
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, text), overrides=["gas.noise=12 apples"], agent_kinds=KINDS)
    file = str(tmp_path / "trial.toml")
    places = [line.split(": ")[:2] for line in lines_of(error)]
    assert places == [
        [file, "gass"],
        [file, "scenario.duration"],
        [file, "assets.ETH.volatility"],
        ["--set", "gas.noise"],
        [file, "protocol.markets.ETH.maintenance_margin"],
        [file, "agents.noise.mood"],
        [file, "agents.noise.pause"],
        [file, "agents.bots.kind"],
    ]
    assert all("; expected " in line for line in lines_of(error))
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "trial"', "", "scenario.name"),
        ('asset = "ETH"', 'asset = "BTC"', "protocol.markets.ETH.asset"),
        (
            'maintenance_margin = "3 %"',
            'maintenance_margin = "6 %"',
            "protocol.markets.ETH.maintenance_margin",
        ),
        ('duration = "10 min"', 'duration = "5 s"', "scenario.duration"),
        ("2024-01-01T00:00:00Z", '"worst day"', "scenario.start"),
        ('kind = "gbm"', 'kind = "gmb"', "assets.ETH.kind"),
        ('kind = "gbm"', "", "assets.ETH.kind"),
        ("count = 3", "count = -3", "agents.noise.count"),
        ('kind = "noise_trader"', "", "agents.noise.kind"),
        ('price = "2_000 USD"', 'price = "0 USD"', "assets.ETH.price"),
        ("[assets.ETH]", "[assets]\nBTC = 3\n[assets.ETH]", "assets.BTC"),
    ],
)
def test_a_contradiction_names_its_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, MINIMAL.replace(old, new, 1)))
    assert [problem.key for problem in error.value.problems] == [key]


def test_points_must_start_at_zero_and_stand_in_different_blocks(tmp_path: Path) -> None:
    def with_points(points: str) -> str:
        model = f'kind = "waypoints"\npoints = {points}'
        return MINIMAL.replace('kind = "gbm"\nprice = "2_000 USD"\nvolatility = "60 %/year"', model)

    good = load_scenario(written(tmp_path, with_points('[["0 s", "10 USD"], ["12 s", "9 USD"]]')))
    assert good.assets["ETH"] == WaypointSpec(points=((0, 10 * 10**9), (12, 9 * 10**9)))
    for points in ('[["1 s", "10 USD"]]', "[]", '[["0 s", "10 USD"], ["13 s", "9 USD"], ["14 s", "8 USD"]]'):
        with pytest.raises(ScenarioError, match=r"assets\.ETH\.points\["):
            load_scenario(written(tmp_path, with_points(points)))


def test_an_override_is_checked_like_the_file_and_wins(tmp_path: Path) -> None:
    file = written(tmp_path)
    sets = [
        "scenario.seed=7",
        "gas.initial_base_fee=30 gwei",
        "agents.noise.count=0",
        'scenario.name="other"',
    ]
    scenario = load_scenario(file, overrides=sets)
    assert (scenario.seed, scenario.gas.initial_base_fee, scenario.name) == (7, 30 * 10**9, "other")
    assert scenario.agents["noise"].count == 0
    with pytest.raises(ScenarioError) as error:
        load_scenario(file, overrides=["scenario.sed=7", "gas.x.y=3", "scenario.name.part=1"])
    assert {line.split(": ")[0] for line in lines_of(error)} == {"--set"}
    assert "did you mean seed?" in str(error.value)


@pytest.mark.parametrize("text", ["scenario.seed", "=3", "scenario..seed=3"])
def test_a_malformed_override_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected --set"):
        parse_override(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a.b=3", 3), ("a.b=0.5", 0.5), ("a.b=true", True), ("a.b=12 s", "12 s"), ('a.b=["1 s"]', ["1 s"])],
)
def test_an_override_is_toml_or_bare_text(text: str, value: object) -> None:
    assert parse_override(text) == ("a.b", value)


def test_a_price_file_replaces_the_model(tmp_path: Path) -> None:
    prices = tmp_path / "eth.csv"
    prices.write_text("", encoding="utf-8")
    scenario = load_scenario(written(tmp_path), prices=[f"ETH={prices}"])
    assert scenario.assets["ETH"] == ReplaySpec(file=str(prices.resolve()))
    for wrong in ("ETH", f"BTC={prices}", f"ETH={tmp_path / 'none.csv'}"):
        with pytest.raises(InputError, match="--prices"):
            load_scenario(written(tmp_path), prices=[wrong])


def test_a_price_file_in_a_scenario_stands_beside_it(tmp_path: Path) -> None:
    model = 'kind = "replay"\nfile = "eth.csv"'
    text = MINIMAL.replace('kind = "gbm"\nprice = "2_000 USD"\nvolatility = "60 %/year"', model)
    scenario = load_scenario(written(tmp_path, text))
    assert scenario.assets["ETH"] == ReplaySpec(file=str(tmp_path.resolve() / "eth.csv"))


@pytest.mark.parametrize("name", [name for name in available_scenarios() if name != "replay"])
def test_a_shipped_scenario_is_valid_and_writes_back(tmp_path: Path, name: str) -> None:
    scenario = load_scenario(name)
    text = dump_scenario(scenario)
    again = load_scenario(written(tmp_path, text))
    assert scenario.name == name
    assert again == scenario
    assert dump_scenario(again) == text
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_settings_of_agents_write_back_with_their_defaults(tmp_path: Path) -> None:
    text = dump_scenario(load_scenario(written(tmp_path), agent_kinds=KINDS))
    assert 'pause = "1 min"' in text
    again = load_scenario(written(tmp_path, text), agent_kinds=KINDS)
    assert again.agents["noise"].settings.pause == 60
    assert dump_scenario(again) == text


def test_the_replay_scenario_asks_for_its_files() -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario("replay")
    assert [problem.key for problem in error.value.problems] == ["assets.ETH.file", "assets.BTC.file"]


@pytest.mark.parametrize("source", ["clam", "none.toml"])
def test_an_unknown_scenario_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=f"^{source}: no such"):
        load_scenario(source)


def test_broken_toml_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a TOML file") as error:
        load_scenario(written(tmp_path, "[scenario\n"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("protocol.liquidation.slow", "5 min"),
        ("protocol.liquidation.fast", "8 d"),
        ("protocol.liquidation.insolvent", "8 d"),
        ("protocol.liquidation.reward", "10_001 USD"),
        ("protocol.liquidation.fee", "29 %"),
        ("protocol.oracle.signers", "9"),
        ("protocol.markets.ETH.funding.convergence", "30 min"),
        ("protocol.markets.ETH.funding.convergence", "90 min"),
        ("protocol.markets.ETH.funding.max_rate", "3 %/h"),
    ],
)
def test_what_the_contracts_would_refuse_is_refused_by_key(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path), [f"{key}={value}"])
    assert str(error.value).startswith(f"--set: {key}: ") and "\n" not in str(error.value)


SERIES = """
[protocol.series.ETH-7D]
asset = "ETH"
expiry = "7 d"
strikes = ["1800 USD", "2000 USD"]
"""


def test_a_scenario_may_list_series(tmp_path: Path) -> None:
    assert load_scenario(written(tmp_path, MINIMAL)).protocol.series == {}
    (series,) = load_scenario(written(tmp_path, MINIMAL + SERIES)).protocol.series.values()
    assert (series.expiry, series.strikes) == (7 * 86_400, (1_800 * 10**9, 2_000 * 10**9))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('asset = "ETH"', 'asset = "XYZ"', "asset"),
        ('"2000 USD"', '"1800 USD"', "strikes"),
        ('"1800 USD"', '"0 USD"', "strikes"),
        ('"7 d"', '"59 min"', "expiry"),
    ],
)
def test_series_that_would_not_be_listed_are_refused_by_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, MINIMAL + SERIES.replace(old, new, 1)))
    assert [problem.key for problem in error.value.problems] == [f"protocol.series.ETH-7D.{key}"]


SYSTEMS = """
[protocol.portfolio]
maintenance_loss = "110 %"

[protocol.portfolio.grid]
long_discount = "120 %"

[[protocol.portfolio.grid.scenarios]]
spot = "110 %"
volatility = "linear skew"

[protocol.risk]
maintenance_quantile = "310 %"
price_volatility_correlation = "-99 %"
volatility_correlation = "0 %"

[protocol.risk.underlyings.BTC]
volatility = "900 %/year"
concentration_bound = "1_500 USD"

[[protocol.risk.correlations]]
first = "ETH"
second = "ETH volatilty"
correlation = "50 %"

[protocol.options]
maintenance_call = "20 %"
"""


def test_contradictions_of_margin_systems_are_told_as_the_contracts_would_refuse_them(tmp_path: Path) -> None:
    asset = '[assets.BTC]\nkind = "gbm"\nprice = "1 USD"\nvolatility = "60 %/year"\n'
    market = '[protocol.markets.BTC]\nasset = "ETH"\ninitial_margin = "5 %"\nmaintenance_margin = "3 %"\n'
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, f"{MINIMAL}\n{asset}\n{market}\n{SYSTEMS}"))
    (line,) = lines_of(error)
    assert 'protocol.portfolio.grid.long_discount: got "120 %"' in line
    told = (
        SYSTEMS.replace('"120 %"', '"90 %"')
        + '\n[agents.noise2]\nkind = "noise_trader"\nengine = "dynamic"\n'
    )
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, f"{MINIMAL}\n{asset}\n{market}\n{told}"))
    found = "\n".join(lines_of(error))
    for part in (
        "protocol.options.maintenance_call: above least_initial_spot",
        "protocol.portfolio.maintenance_loss: above initial_loss",
        "protocol.portfolio.grid.scenarios[0].spot: moved in a skew",
        "protocol.risk.maintenance_quantile: above initial_quantile",
        "protocol.risk.underlyings.BTC: no asset of the protocol",
        "protocol.risk.underlyings.BTC.concentration_bound: no multiple of 1_000 USD",
        "protocol.risk.underlyings.BTC.volatility: takes all of a position",
        'protocol.risk.correlations[0].second: got "ETH volatilty"',
        "(did you mean ETH volatility?)",
        'agents.noise2.engine: got "dynamic", which is not deployed; expected a table [protocol.dynamic]',
    ):
        assert part in found, part


def test_a_matrix_of_correlations_that_no_numbers_can_have_is_refused(tmp_path: Path) -> None:
    risk = "\n[protocol.markets.BTC]\n" + "\n".join(
        ('asset = "BTC"', 'initial_margin = "5 %"', 'maintenance_margin = "3 %"')
    )
    asset = '\n[assets.BTC]\nkind = "gbm"\nprice = "1 USD"\nvolatility = "60 %/year"\n'
    matrix = '\n[protocol.risk]\nprice_correlation = "-90 %"\nprice_volatility_correlation = "-60 %"\n'
    with pytest.raises(ScenarioError, match="correlations: not positive semi-definite"):
        load_scenario(written(tmp_path, MINIMAL + asset + risk + matrix))


def test_an_engine_of_accounts_must_be_deployed(tmp_path: Path) -> None:
    text = MINIMAL + '\n[protocol]\nengine = "portfolio"\n'
    with pytest.raises(ScenarioError, match=r"protocol.engine: got \"portfolio\", which is not deployed"):
        load_scenario(written(tmp_path, text))
    scenario = load_scenario(written(tmp_path, text + "[protocol.portfolio]\n"))
    assert scenario.protocol.engines["portfolio"] == 3
    with pytest.raises(
        ScenarioError, match=r"protocol.engine: got \"margin\"; expected one of cross, isolated"
    ):
        load_scenario(written(tmp_path, text.replace('"portfolio"', '"margin"')))


def test_an_engine_from_the_command_line_brings_its_section(tmp_path: Path) -> None:
    file = written(tmp_path)
    scenario = load_scenario(file, ["protocol.engine=risk-based"])
    assert scenario.protocol.engines == {"cross": 1, "isolated": 2, "risk-based": 3}
    own = MINIMAL + '\n[protocol.dynamic]\nfloor = "70 %"\n'
    kept = load_scenario(written(tmp_path, own), ["protocol.engine=dynamic"]).protocol.dynamic
    assert kept is not None and kept.floor == 7_000
    with pytest.raises(ScenarioError, match=r"protocol.engine: got \"margin\"; expected one of cross"):
        load_scenario(file, ["protocol.engine=margin"])


INVERSE = """
[protocol.collaterals.WETH]
asset = "ETH"
initial_haircut = "20 %"
maintenance_haircut = "9 %"

[protocol.inverse.ETH-USD]
collateral = "WETH"
initial_margin = "10 %"
maintenance_margin = "6 %"
"""
TRADES = """
[agents.carry]
kind = "carry_trader"
markets = ["ETH-USD", "ETH"]
"""


def test_an_inverse_market_reads_and_reads_back(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, MINIMAL + INVERSE))
    inverse = scenario.protocol.inverse["ETH-USD"]
    assert (inverse.collateral, inverse.tick, inverse.lot) == ("WETH", 10**7, 10**9)
    (tmp_path / "again.toml").write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(str(tmp_path / "again.toml")).protocol.inverse == scenario.protocol.inverse


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            '"WETH"',
            '"WBTC"',
            'protocol.inverse.ETH-USD.collateral: got "WBTC"; expected one of WETH',
        ),
        (
            '"6 %"',
            '"11 %"',
            "protocol.inverse.ETH-USD.maintenance_margin: above initial_margin; "
            "expected at most initial_margin",
        ),
        (
            '"10 %"',
            '"10"',
            'protocol.inverse.ETH-USD.initial_margin: got "10"; expected a share in whole basis points',
        ),
        (
            'initial_margin = "10 %"\n',
            "",
            "protocol.inverse.ETH-USD.initial_margin: missing; expected a share in whole basis points",
        ),
        (
            "[protocol.inverse.ETH-USD]",
            '[protocol.inverse.ETH-USD]\nlot = "1 base"',
            'protocol.inverse.ETH-USD.lot: got "1 base"; expected a price such as "0.01 USD"',
        ),
        (
            "[protocol.inverse.ETH-USD]",
            '[protocol.inverse.ETH-USD]\nopen_interest_cap = "-1 USD"',
            'protocol.inverse.ETH-USD.open_interest_cap: got "-1 USD"; expected',
        ),
        (
            "[protocol.inverse.ETH-USD]",
            "[protocol.inverse.ETH]",
            "protocol.inverse.ETH: another market has this name; expected a name of its own",
        ),
        (
            "[protocol.inverse.ETH-USD]",
            '[protocol.inverse.ETH-USD]\nasset = "ETH"',
            "protocol.inverse.ETH-USD.asset: unknown key; expected one of collateral, tick, lot",
        ),
        (
            'markets = ["ETH-USD", "ETH"]',
            'markets = ["ETH-USD", "ETHUSD"]',
            'agents.carry.markets[1]: got "ETHUSD"; expected one of ETH, ETH-USD (did you mean ETH-USD?)',
        ),
        (
            'markets = ["ETH-USD", "ETH"]',
            'markets = "ETH"',
            'agents.carry.markets: got "ETH"; expected',
        ),
    ],
)
def test_every_mistake_in_an_inverse_market_is_one_line(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    text = MINIMAL.replace('size = "100 USD"\n', "") + INVERSE + TRADES
    assert text.count(old) == 1
    with pytest.raises(ScenarioError) as caught:
        load_scenario(written(tmp_path, text.replace(old, new)), agent_kinds=SETTINGS_CLASSES)
    found = [each for each in lines_of(caught) if line in each]
    assert len(found) == 1 and found[0].startswith(str(tmp_path / "trial.toml") + ": " + line)


def test_volatility_is_of_an_asset_that_has_series(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"smiles.ETH: no series is on this asset"):
        load_scenario(written(tmp_path, MINIMAL + "\n[smiles.ETH]\n"))


def test_sections_of_margin_systems_and_engines_of_populations_read_back(tmp_path: Path) -> None:
    text = MINIMAL + 'engine = "risk-based"\n[protocol.risk]\n[protocol.portfolio]\n[protocol.options]\n'
    scenario = load_scenario(written(tmp_path, text))
    assert scenario.agents["noise"].engine == "risk-based"
    assert "engine" not in scenario.agents["noise"].params
    assert load_scenario(written(tmp_path, dump_scenario(scenario))) == scenario
    plain = dump_scenario(load_scenario(written(tmp_path)))
    assert not any(word in plain for word in ("protocol.risk", "protocol.portfolio", "protocol.options"))


def test_a_guard_shares_the_fund_among_all_assets(tmp_path: Path) -> None:
    guard = "\n[protocol.solvency_guard]\nmode = 'refuse'\n"
    loaded = load_scenario(written(tmp_path, MINIMAL + guard)).protocol.solvency_guard
    assert loaded is not None and loaded.mode == "refuse"
    assert loaded.shares(("ETH", "BTC", "SOL")) == {"ETH": 3_333, "BTC": 3_333, "SOL": 3_333}
    own = guard + "[protocol.solvency_guard.underlyings.ETH]\nstress = '30 %'\nshare = '70 %'\n"
    loaded = load_scenario(written(tmp_path, MINIMAL + own)).protocol.solvency_guard
    assert loaded is not None and loaded.of("ETH").stress == 3_000 and loaded.of("BTC").stress == 2_500
    assert loaded.shares(("ETH", "BTC", "SOL")) == {"ETH": 7_000, "BTC": 1_500, "SOL": 1_500}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("mode = 'off'", 'protocol.solvency_guard.mode: got "off"; expected one of observe, price, refuse'),
        ("all_underlyings = { stress = '0 %' }", 'protocol.solvency_guard.all_underlyings.stress: got "0 %"'),
        (
            "all_underlyings = { share = '101 %' }",
            'protocol.solvency_guard.all_underlyings.share: got "101 %"',
        ),
        ("underlyings.SOL = {}", "protocol.solvency_guard.underlyings.SOL: no asset of the protocol"),
        ("rate = '0.001 %'", 'protocol.solvency_guard.rate: got "0.001 %"'),
    ],
)
def test_keys_of_a_guard_are_checked(tmp_path: Path, keys: str, told: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, f"{MINIMAL}\n[protocol.solvency_guard]\n{keys}\n"))
    assert told in "\n".join(lines_of(error))


def test_shares_of_a_guard_are_at_most_all_of_the_fund(tmp_path: Path) -> None:
    asset = '[assets.BTC]\nkind = "gbm"\nprice = "1 USD"\nvolatility = "60 %/year"\n'
    market = '[protocol.markets.BTC]\nasset = "BTC"\ninitial_margin = "5 %"\nmaintenance_margin = "3 %"\n'
    guard = "[protocol.solvency_guard]\nall_underlyings = { share = '60 %' }\n"
    with pytest.raises(ScenarioError) as error:
        load_scenario(written(tmp_path, f"{MINIMAL}\n{asset}\n{market}\n{guard}"))
    (line,) = [line for line in lines_of(error) if "solvency_guard" in line]
    assert "shares of 120 % together; expected at most 100 %" in line
