#!/usr/bin/env python3
"""Adds up the test results of build folders: count-tests.py BUILD_DIR...

Reads BUILD_DIR/test-results/*.xml, names what failed and what was skipped, and ends with the line
"N passed, N failed". A runner that left no results, or ran no test, counts as one failure. Exits 1 on failure.
"""

import glob
import os
import sys
import xml.etree.ElementTree as xml


def read(path):
    """(passed, names of failed, names of skipped) of one result file."""
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        return 0, [path + " (no results)"], []
    passed, failed, skipped = 0, [], []
    for case in cases:
        name = "/".join(filter(None, [case.get("classname"), case.get("name")]))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped.append(name)
        else:
            passed += 1
    if not cases:
        failed.append(path + " (no tests)")
    return passed, failed, skipped


def main():
    passed, failed, skipped = 0, [], []
    for folder in sys.argv[1:]:
        for path in sorted(glob.glob(os.path.join(folder, "test-results", "*.xml"))) or [folder]:
            more = read(path)
            passed, failed, skipped = passed + more[0], failed + more[1], skipped + more[2]
    for name in skipped:
        print("skipped: " + name)
    for name in failed:
        print("failed: " + name)
    print("%d passed, %d failed" % (passed, len(failed)))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
