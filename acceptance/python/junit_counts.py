"""Names what failed or was skipped in a JUnit report of pytest, then counts all of it; fails without a report."""

import sys
import xml.etree.ElementTree as ElementTree

suite = ElementTree.parse(sys.argv[1]).getroot().find("testsuite")
counts = {"passed": 0, "failed": 0, "skipped": 0}
for case in suite.iter("testcase"):
    name = f"{case.get('classname')}.{case.get('name')}"
    skip = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        counts["failed"] += 1
        print(f"FAILED  {name}")
    elif skip is not None:
        counts["skipped"] += 1
        print(f"skipped: {name}: {skip.get('message')}")
    else:
        counts["passed"] += 1
print(", ".join(f"{count} {what}" for what, count in counts.items()))
