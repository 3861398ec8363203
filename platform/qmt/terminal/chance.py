"""Random numbers that are a pure function of what they are for.

A stream drawn in order would make a day's prices depend on which days were asked for first. Here every number is the hash of
(key, lane), so any instrument, day and minute can be produced alone, in a batch, or again after a restart, with one result, on
every platform and numpy version. The mixer is SplitMix64 (Steele, Lea, Flood 2014).
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


def key_of(*parts: object) -> int:
    """64-bit key of some words and numbers."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def day_keys(key: int, ordinals: npt.NDArray[np.int64]) -> Keys:
    """One key per day (proleptic ordinal) below ``key``."""
    return _mix(np.uint64(key) ^ (ordinals.astype(np.uint64) * _GOLDEN))


def uniforms(keys: Keys, lanes: int, salt: int) -> Floats:
    """Uniform numbers in [0, 1), shape ``keys.shape + (lanes,)``; ``salt`` separates uses of one key."""
    lane = (np.arange(lanes, dtype=np.uint64) + np.uint64(1) + np.uint64(salt) * np.uint64(1 << 32)) * _GOLDEN
    bits: npt.NDArray[np.uint64] = _mix(keys[..., None] + lane) >> np.uint64(11)
    result: Floats = bits.astype(np.float64) * _TO_UNIT
    return result


def normals(keys: Keys, lanes: int, salt: int) -> Floats:
    """Nearly normal numbers, mean 0 and deviation 1: the centred sum of four uniforms (range ±3.46)."""
    total = sum(uniforms(keys, lanes, salt * 4 + part) for part in range(4))
    result: Floats = (np.asarray(total) - 2.0) * 3.0**0.5
    return result


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = value + _GOLDEN
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    result: npt.NDArray[np.uint64] = value ^ (value >> np.uint64(31))
    return result
