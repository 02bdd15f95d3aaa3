# SPDX-License-Identifier: Apache-2.0
"""refresh and marks: what a round is, what is refused, what marks say of their age, what it costs."""

from __future__ import annotations

import pytest

from simulation.domain import market_math
from tests.boards import FULL, NANO, SHOCKS, Boards
from tests.evm import GAS_LIMIT, reverts
from tests.unit.risk_board.conftest import SPOT, STRIKES, WEEK

CALL, PUT = market_math.option(1, 2, True), market_math.option(1, 2, False)


def word(boards: Boards, market: int = CALL) -> dict[str, int]:
    """A mark word, unpacked."""
    packed = int(boards.board.marks([market])[0])
    fields = {}
    for name, bits in (("mark", 72), ("spot", 72), ("confidence", 28), ("fresh_until", 40), ("move", 16)):
        fields[name] = packed & (1 << bits) - 1
        packed >>= bits
    return fields


def test_anyone_refreshes_once_in_a_round(boards: Boards) -> None:
    stranger = boards.env.address("trader")
    receipt = boards.board.refresh(1, sender=stranger)
    assert receipt.value is True
    (event,) = receipt.named("BoardRefreshed")
    assert (event["series"], event["spot"], event["strikes"], event["valid"]) == (1, SPOT, 5, True)
    assert event["forward"] == SPOT + 5 * NANO
    again = boards.board.refresh(1, sender=stranger)
    assert again.value is False and not again.events
    boards.env.advance(100)
    assert boards.board.refresh(1).value is False


def test_new_price_new_surface_and_age_make_a_new_round(boards: Boards) -> None:
    boards.board.refresh(1)
    boards.env.advance(12)
    boards.price(SPOT + NANO)
    assert boards.board.refresh(1).value is True
    boards.env.advance(12)
    boards.push_surface(1, reference_tau=WEEK, a=10**16)
    assert boards.board.refresh(1).value is True
    boards.env.advance(SHOCKS.max_age + 1)
    boards.price(SPOT + NANO)
    assert boards.board.refresh(1).value is True


def test_new_strikes_and_a_new_grid_make_a_new_round(boards: Boards) -> None:
    boards.board.refresh(1)
    boards.strikes.set_strikes(1, [*STRIKES, 7_000 * NANO])
    assert boards.board.refresh(1).value is True
    boards.board.set_grid([(10**18, 0, 10**18)], SHOCKS.row())
    assert boards.board.refresh(1).value is True
    assert boards.board.refresh(1).value is False


def test_marks_say_what_they_were_made_with(boards: Boards) -> None:
    assert word(boards)["mark"] == 0
    boards.board.refresh(1)
    now = boards.env.timestamp
    call, put = word(boards, CALL), word(boards, PUT)
    assert call == word(boards, CALL) | {
        "spot": SPOT,
        "confidence": 96_000_000,
        "fresh_until": now + SHOCKS.max_age,
        "move": SHOCKS.max_move,
    }
    # Five dollars of forward over strike, discounted for a week at five per cent.
    assert call["mark"] - put["mark"] == pytest.approx(5 * NANO, rel=1e-3)
    assert boards.board.marks([CALL, market_math.option(1, 5, True), PUT])[1] == 0


def test_marks_of_an_invalid_round_are_never_fresh(boards: Boards) -> None:
    boards.env.advance(1_201)
    boards.price(SPOT)
    receipt = boards.board.refresh(1)
    assert receipt.named("BoardRefreshed")[0]["valid"] is False
    assert word(boards)["fresh_until"] == 0 and word(boards)["mark"] != 0


def test_after_expiry_everything_is_the_payoff(boards: Boards) -> None:
    boards.env.advance(WEEK - 1_800)
    for _ in range(30):
        boards.price(2_150 * NANO)
        boards.surface.accumulate([1])
        boards.env.advance(60)
    boards.price(3_000 * NANO)
    boards.surface.finalise(1)
    assert boards.board.refresh(1).named("BoardRefreshed")[0]["valid"] is True
    value = boards.board.value(CALL)
    assert (value.call_mark, value.put_mark) == (150 * NANO, 0)
    assert set(value.calls[:33]) == {150 * 10**12} and set(value.puts[:33]) == {0}
    assert word(boards)["confidence"] == FULL


def test_put_call_parity_holds_in_every_case(boards: Boards) -> None:
    boards.board.refresh(1)
    for place in range(len(STRIKES)):
        value = boards.board.value(market_math.option(1, place, True))
        for call, put in zip(value.calls, value.puts, strict=True):
            assert call >= 0 and put >= 0
        assert len(value.calls) == len(value.puts) == 35


def test_what_is_refused(boards: Boards) -> None:
    with reverts("risk_board: unknown series"):
        boards.board.refresh(0)
    with reverts("surface: unknown series"):
        boards.board.refresh(2)
    boards.strikes.set_strikes(1, [2_000 * NANO, 2_000 * NANO])
    with reverts("risk_board: strikes not ascending"):
        boards.board.refresh(1)
    boards.strikes.set_strikes(1, [18_446_745 * NANO])
    with reverts("risk_board: value too large"):
        boards.board.refresh(1)
    boards.strikes.set_strikes(1, [k * NANO for k in range(1, 66)])
    with reverts("risk_board: too many strikes"):
        boards.board.refresh(1)
    assert boards.board.marks([0, 1, 256, CALL, 2**16, 2**255]) == [0] * 6
    with reverts("risk_board: no board"):
        boards.board.value(CALL)


def test_sixty_four_strikes_fit_in_one_transaction(boards: Boards) -> None:
    boards.strikes.set_strikes(1, [(1_000 + 50 * k) * NANO for k in range(64)])
    assert boards.board.refresh(1).gas_used < GAS_LIMIT
    assert len(boards.board.marks([market_math.option(1, 63, True)])) == 1


def test_a_price_without_a_feed_is_refused(boards: Boards) -> None:
    boards.list_series(2, 2, boards.env.timestamp + WEEK, STRIKES)
    boards.push_surface(2)
    with reverts("risk_board: no price"):
        boards.board.refresh(2)
