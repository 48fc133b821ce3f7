import os
import signal
from threading import Event, Thread

import pytest

from connexeo.tools.conformance.interruption import Interruption


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_interrupt(number: int) -> None:
    with Interruption().watching(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


def test_the_first_signal_waits_until_it_may() -> None:
    told: list[str] = []
    interruption = Interruption(told.append)
    done = []

    def work() -> None:
        with interruption.undisturbed():
            interrupt()
            with interruption.undisturbed():
                done.append("inner")
            done.append("outer")

    with interruption.watching(), pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]
    assert told == ["interrupted: finishing what must not be lost; once more ends at once"]


def test_the_second_signal_does_not_wait() -> None:
    interruption = Interruption()
    done = []

    def work() -> None:
        with interruption.undisturbed():
            interrupt()
            done.append("first")
            interrupt()
            done.append("second")

    with interruption.watching(), pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["first"]


def test_what_waits_may_be_forgotten() -> None:
    interruption = Interruption()
    with interruption.watching():
        with interruption.undisturbed(and_after=True):
            interrupt()
        assert interruption.received == 1


def test_another_thread_does_not_keep_signals_away() -> None:
    """Whatever is raised there would end that thread, and the run would go on."""
    interruption = Interruption()
    begun, may_end, ended = Event(), Event(), Event()

    def work() -> None:
        with interruption.undisturbed():
            begun.set()
            may_end.wait(30)
        ended.set()

    thread = Thread(target=work)
    with interruption.watching():
        thread.start()
        begun.wait(30)
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        may_end.set()
        thread.join()
    assert ended.is_set()


def test_signals_are_as_before_in_the_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption().watching():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_to_the_main_one() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def watch() -> None:
        with Interruption().watching():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = Thread(target=watch)
    thread.start()
    thread.join()
    assert seen == [before]
