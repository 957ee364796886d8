"""How fast is a finger found among many? Bars: scan of 100,000 impressions >= 150,000 a second on one thread; search <= 150 ms on two.

    python -m bench.finger.bench_search [--searches N]

Estimate: 31 by 31 codes of 4 words are 3,900 words an impression; at eight words an instruction and three instructions each that is
1,500 cycles, with the votes 2 us: 500,000 a second. 30,000 impressions are 30 ms on two threads; 160 comparisons of 0.15 ms, made ready
included, 12 ms more. Templates are synthetic and repeated: the scan looks at every row alike. Times are medians; beside the wall
time stands the CPU time of one thread, which other programs on the host do not lengthen much.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from egate.commands.bench.identify_synthetic import synthetic_finger
from egate.domain.biometric import FingerTemplate
from egate.matching.finger.search import search
from egate.matching.finger.search.gallery import FingerGallery, Snapshot

SEED = 1
DISTINCT, IMPRESSIONS = 500, 3
SCAN_IMPRESSIONS = 100_000
SEARCH_IMPRESSIONS = (10_000, 30_000)  # 10,000 templates; 10,000 fingers of three
THREADS = 2
SCAN_RATE_BAR, SEARCH_MS_BAR = 150_000, 150.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=30)
    searches = parser.parse_args().searches
    fingers = [synthetic_finger(SEED, number, IMPRESSIONS + 1) for number in range(DISTINCT)]
    probes = [finger[-1] for finger in fingers[:searches]]
    search.warm_up()
    shown = fill(fingers, SCAN_IMPRESSIONS)
    print(f"{shown.stored.impression_bytes} bytes an impression")
    wall, cpu = scan_rates(shown, probes)
    print(f"scan of {SCAN_IMPRESSIONS:,}, one thread: {wall:,.0f}/s wall, {cpu:,.0f}/s CPU (bar {SCAN_RATE_BAR:,})")
    for count in SEARCH_IMPRESSIONS:
        wall, cpu = search_ms(fill(fingers, count), probes)
        print(
            f"search of {count:,}: {wall:.1f} ms wall on {THREADS} threads (bar {SEARCH_MS_BAR:g}), {cpu:.1f} ms CPU on one"
        )


def fill(fingers: list[list[FingerTemplate]], count: int) -> Snapshot:
    gallery = FingerGallery(count)
    impressions = [template for finger in fingers for template in finger[:IMPRESSIONS]]
    for row in range(count):
        repeat, at = divmod(row, len(impressions))
        gallery.add(f"{repeat}/{at // IMPRESSIONS}", impressions[at])
    return gallery.snapshot()


def scan_rates(shown: Snapshot, probes: list[FingerTemplate]) -> tuple[float, float]:
    """Impressions a second: by wall time, by CPU time."""
    wanted = shown.wanted(0)
    times = []
    for probe in probes:
        wall, cpu = time.perf_counter(), time.thread_time()
        search.scan(shown, probe, wanted)
        times.append((time.perf_counter() - wall, time.thread_time() - cpu))
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return len(wanted) / wall, len(wanted) / cpu


def search_ms(shown: Snapshot, probes: list[FingerTemplate]) -> tuple[float, float]:
    """Median of a search: wall time on THREADS threads; CPU time on one."""
    walls, cpus = [], []
    with ThreadPoolExecutor(THREADS) as pool:
        for probe in probes:
            start = time.perf_counter()
            search.search(shown, probe, spread=pool.map)
            walls.append(time.perf_counter() - start)
    for probe in probes:
        start = time.thread_time()
        search.search(shown, probe)
        cpus.append(time.thread_time() - start)
    return 1000 * statistics.median(walls), 1000 * statistics.median(cpus)


if __name__ == "__main__":
    main()
