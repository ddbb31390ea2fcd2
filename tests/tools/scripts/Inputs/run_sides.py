"""run_sides.py SCRIPTS CASE: side_by_side with fake programs."""
import os
import sys

sys.path.insert(0, sys.argv[1])
import side_by_side
from side_by_side import Side, check_losses, measure

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_side.py")


def fake(name, times, losses="", burn="0"):
    return Side(name, [sys.executable, FAKE, times, losses, burn])


def report():
    """The times in the middle of a side's blocks are its medians; what disturbs one block moves the spread alone."""
    sides = [fake("bnc", "9,4,2,4,4,4", "1,0.5"), fake("one", "9,8,8,8,80,6", "1.0001,0.5"),
             fake("two", "9,2,2,2,3,2", "1,0.5")]
    check_losses(sides, 2)
    _, ratios = measure("Title", sides, 5, 3)
    for ratio in ratios:
        print("medians %.3f spread %.3f %.3f middle %.3f %.3f fastest %.3f" % (
            ratio.medians, *ratio.spread, *ratio.middle, ratio.fastest))
    print("memory %g imports %g" % (sides[1].memory, sides[1].imports))


def disagree():
    check_losses([fake("bnc", "1", "1,0.5"), fake("other", "1", "1,0.51")], 2)


def no_losses():
    check_losses([fake("bnc", "1", "1,0.5"), fake("other", "1", "1")], 2)


def ends():
    measure("Title", [fake("bnc", "1,1,1"), fake("other", "1,1")], 3, 1)


def ended():
    side = Side("gone", ["false"])
    side.process.wait()
    side.run(1)


def processor_time():
    """A side's own work is not that of other processes."""
    side = fake("busy", "1,1", burn="0.3")
    side.run(1)
    before = side.seconds()
    side.run(1)
    print("own" if before >= 0.25 and side.seconds() - before >= 0.25 else "lost: %g, %g" % (before, side.seconds()))
    side.finish()


def peak_memory():
    """A program's peak is not that of the one that started it."""
    large = bytearray(400 << 20)
    large[::4096] = b"x" * len(large[::4096])
    code = ("import sys; sys.path.insert(0, %r); import side_by_side\n"
            "side_by_side.serve(lambda steps: [], side_by_side.peak_memory())")
    side = Side("small", [sys.executable, "-c", code % sys.argv[1]])
    side.run(1)
    side.finish()
    print("small" if 0 < side.imports <= side.memory < 200 else "peak memory %g, imports %g" % (side.memory, side.imports))


globals()[sys.argv[2]]()
