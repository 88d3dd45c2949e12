"""Checks that print one line each: a verdict, the name, and why; apart by tabs, for the script that started this program."""

import contextlib
import os
import sys
import traceback

HTTP = os.environ["EXAMPLE_HTTP"]
GRPC = os.environ["EXAMPLE_GRPC"]
KEY = os.environ["EXAMPLE_KEY"]


@contextlib.contextmanager
def check(name):
    """What is raised inside makes the check wrong; the others go on."""
    try:
        yield
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})"
        print("WRONG", name, " ".join(why.split())[:400], sep="\t")
    else:
        print("RIGHT", name, sep="\t")
    sys.stdout.flush()


def same(given, wanted):
    """Arrays by value, all else by equality."""
    import numpy

    if isinstance(wanted, numpy.ndarray):
        assert given.dtype == wanted.dtype or wanted.dtype == object, f"dtype is {given.dtype}, not {wanted.dtype}"
        assert given.shape == wanted.shape, f"shape is {given.shape}, not {wanted.shape}"
        assert (given == wanted).all(), f"{given.tolist()} is not {wanted.tolist()}"
    else:
        assert given == wanted, f"{given!r} is not {wanted!r}"


@contextlib.contextmanager
def refused(kind, *words):
    """What is done inside must raise `kind` with a text that has all the words in it."""
    try:
        yield
    except kind as error:
        missing = [word for word in words if word.lower() not in str(error).lower()]
        assert not missing, f"the refusal says {error!s}, without {missing}"
    else:
        raise AssertionError("it was answered")
