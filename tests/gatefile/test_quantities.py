import pytest

from pytest_bootgate.quantities import Boots, Memory, Seconds, Share


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("1m30s", 90),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (" 0s ", 0),
        ("1h1m1s1ms", 3661.001),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert Seconds.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (60, "60 has no unit: write 60s, or 60ms"),
        (0.5, "0.5 has no unit: write 0.5s, or 0.5ms"),
        ("60", "'60' is not a duration: write 60s, 1m30s or 250ms"),
        ("-5s", "'-5s' is not a duration: write 60s, 1m30s or 250ms"),
        ("5 s", "'5 s' is not a duration: write 60s, 1m30s or 250ms"),
        (
            "\N{ARABIC-INDIC DIGIT FIVE}s",
            "'\N{ARABIC-INDIC DIGIT FIVE}s' is not a duration: write 60s, 1m30s or 250ms",
        ),
        (True, "True is not a duration: write 60s, 1m30s or 250ms"),
        (None, "None is not a duration: write 60s, 1m30s or 250ms"),
    ],
)
def test_no_seconds(text: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Seconds.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "share"), [("80%", 0.8), ("12.5 %", 0.125), ("0%", 0), ("120%", 1.2)]
)
def test_share(text: str, share: float) -> None:
    assert Share.parse(text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (0.8, "0.8 has no unit: write 80%"),
        (80, "80 has no unit: write 80%"),
        ("80", "'80' is not a share: write 80%"),
        (["80%"], "['80%'] is not a share: write 80%"),
    ],
)
def test_no_share(text: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Share.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("512m", 512 << 20),
        ("2g", 2 << 30),
        ("1.5G", 3 << 29),
        ("64KiB", 64 << 10),
        ("1 mb", 1 << 20),
    ],
)
def test_memory(text: str, amount: int) -> None:
    assert Memory.parse(text) == amount


@pytest.mark.parametrize("text", ["512", 512, "lots", "1i", "9" * 400 + "g", None])
def test_no_memory(text: object) -> None:
    with pytest.raises(ValueError, match="is not an amount of memory: write 512m or 2g"):
        Memory.parse(text)


@pytest.mark.parametrize(
    ("text", "boots"), [(5, (5, 5)), ("5", (5, 5)), ("5..15", (5, 15)), ("1..1", (1, 1))]
)
def test_boots(text: object, boots: tuple[int, int]) -> None:
    assert Boots.parse(text) == boots


@pytest.mark.parametrize("text", [0, "0..5", "9..3", "five", 5.5, True, "5...15", "9" * 5000])
def test_no_boots(text: object) -> None:
    with pytest.raises(ValueError, match=r"boots: (write 5 or 5\.\.30|the first number)"):
        Boots.parse(text)
