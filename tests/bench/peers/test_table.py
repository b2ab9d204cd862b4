from __future__ import annotations

from tests.bench.peers.rates import of_sqlite
from tests.bench.peers.table import Figures, Line, Told, cells

LINE = Line(theirs="theirs", event="a save", ours="ours", target=1.5)


def told(rate: float, *, each: bool = True) -> Told:
    return Told(a_second=rate, version="1.2", synced="WAL", each=each)


def test_a_ratio_is_that_of_the_median_turn_so_a_slow_hour_of_the_machine_is_on_both_sides() -> None:
    figures = Figures()
    for ours, theirs in ((2000, 1000), (20, 10), (1600, 1000)):
        figures.add({"ours": told(ours), "theirs": told(theirs)})

    assert cells(figures, LINE) == [
        *("theirs (1.2)", "a save", "WAL", "1,000", "ours", "1,600", "2.00", "≥ 1.5", "met")
    ]


def test_a_ratio_below_its_target_is_missed() -> None:
    figures = Figures()
    figures.add({"ours": told(149), "theirs": told(100)})

    assert cells(figures, LINE)[-3:] == ["1.49", "≥ 1.5", "missed"]


def test_a_peer_that_does_not_sync_each_event_is_shown_and_not_compared() -> None:
    figures = Figures()
    figures.add({"ours": told(1000), "theirs": told(4000, each=False)})

    shown = cells(figures, LINE)

    assert (shown[3], shown[6], shown[8]) == ("4,000", "", "not compared: not each is synced")


def test_a_peer_that_could_not_be_run_says_why() -> None:
    figures = Figures(failed={"theirs": "not installed: no wheel"})
    figures.add({"ours": told(1000)})

    assert cells(figures, LINE)[-3:] == ["", "≥ 1.5", "could not be run: not installed: no wheel"]


def test_of_sqlites_settings_only_full_syncs_each_commit_to_a_log_and_normal_does_by_a_journal() -> None:
    def each(journal: str, synchronous: int) -> object:
        return of_sqlite(lambda statement: journal if "journal" in statement else synchronous)["each"]

    assert [each("wal", level) for level in range(4)] == [False, False, True, True]
    assert [each("delete", level) for level in range(4)] == [False, True, True, True]
