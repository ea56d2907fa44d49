"""Events accepted over a socket, on disk before the 202, against a handler that only parses and answers.

    python -m bench accept [--rounds 7] [--seconds 3]

Both servers run under the same uvicorn: once on the same core with the load on the other, so that the server's whole
CPU counts (journal, visits and inserts into the event store included), and once as they are deployed, free to use both.
Rounds alternate; ratios are taken round by round.
"""

import argparse
import json
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.load import CONNECTIONS, DOMAIN, Round, burst
from bench.servers import ADMIN_KEY, SERVER_CORE, Running, bare, tallyway

GOAL = 0.70


def create_site(server: Running) -> str:
    """The site the load is for; its id."""
    connection = HTTPConnection("127.0.0.1", server.port)
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/sites", json.dumps({"domain": DOMAIN, "timezone": "Etc/UTC"}), headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status != 201:
        raise RuntimeError(f"no site: {body}")
    return str(body["id"])


def count(server: Running) -> int:
    """Page views that a query finds."""
    connection = HTTPConnection("127.0.0.1", server.port)
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/json"}
    question = {"sites": [DOMAIN], "metrics": ["pageviews"], "date_range": "day"}
    connection.request("POST", "/v1/query", json.dumps(question), headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"no answer: {body}")
    return sum(int(row["pageviews"]) for row in body["results"])


def shown(name: str, rounds: list[Round]) -> None:
    rate = median(r.answered / r.seconds for r in rounds)
    cpu = median(r.cpu / r.answered for r in rounds) * 1e6
    loop = median(r.loop / r.answered for r in rounds) * 1e6
    print(f"  {name:<38}{rate:>9,.0f}/s {cpu:>7.1f} us CPU each ({loop:.1f} in the event loop's thread)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--no-log", action="store_true", help="without the access log")
    args = parser.parse_args()
    log = "false" if args.no_log else "true"
    print(f"accept: {CONNECTIONS} connections, {'no ' if args.no_log else ''}access log")
    for where, core in (("one core a server", SERVER_CORE), ("both cores for each", None)):
        with (
            tempfile.TemporaryDirectory() as folder,
            bare("bench.bare:app", core=core) as plain,
            tallyway(Path(folder), core=core, access_log=log) as ours,
        ):
            print(where)
            compare(plain, ours, args.rounds, args.seconds)


def compare(plain: Running, ours: Running, rounds: int, seconds: float) -> None:
    """Rounds in turn, and what they say."""
    create_site(ours)
    burst(plain, 1), burst(ours, 2)
    pairs = [(burst(plain, seconds), burst(ours, seconds)) for _ in range(rounds)]
    shown("Starlette + orjson, parse and answer", [a for a, _ in pairs])
    shown("tallyway, on disk before the 202", [b for _, b in pairs])
    rate = median((b.answered / b.seconds) / (a.answered / a.seconds) for a, b in pairs)
    cpu = median((b.cpu / b.answered) / (a.cpu / a.answered) for a, b in pairs)
    failed = sum(b.failed for _, b in pairs)
    print(f"  rate {rate:.2f} of the baseline (goal >= {GOAL}), CPU {cpu:.2f}, {failed} failed")
    time.sleep(2)
    print(f"  {count(ours):,} page views counted; {ours.peak():.0f} MB at most")


if __name__ == "__main__":
    main()
