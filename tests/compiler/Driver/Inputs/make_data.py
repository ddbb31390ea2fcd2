"""Writes the same 70 images and labels in every format, and some that do not fit, into the current folder."""
import gzip
import struct
import zipfile

import numpy as np

random = np.random.default_rng(0)
pixels = random.integers(0, 256, (70, 28, 28)).astype(np.uint8)
x = (pixels.astype(np.float32) / 255).reshape(70, 1, 28, 28)
y = random.integers(0, 10, 70)


def idx(name, array, code, dtype):
    data = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(">%dI" % array.ndim, *array.shape)
    data += array.astype(dtype).tobytes()
    open(name, "wb").write(data)
    with gzip.GzipFile(name + ".gz", "wb", mtime=0) as file:
        file.write(data)


np.save("x.npy", x)
np.save("x64.npy", x.astype(np.float64))
np.save("bytes.npy", pixels)
np.save("last.npy", x.transpose(0, 2, 3, 1).copy())
np.save("prepared.npy", ((x.astype(np.float64) - 0.25) / 0.5).astype(np.float32))
np.savez("one.npz", x=x)
np.savez_compressed("two.npz", x=x, y=y)
with zipfile.ZipFile("zip64.npz", "w") as archive:
    with archive.open("x.npy", "w", force_zip64=True) as member:
        np.save(member, x)
idx("bytes.idx", pixels, 0x08, ">u1")
idx("floats.idx", x[:, 0], 0x0D, ">f4")

np.save("y.npy", y)
np.save("y32.npy", y.astype(np.int32))
np.save("y8.npy", y.astype(np.uint8))
np.save("yf.npy", y.astype(np.float32))
idx("y.idx", y, 0x08, ">u1")
idx("y2.idx", y, 0x0B, ">i2")
idx("y4.idx", y, 0x0C, ">i4")

bad = x.copy()
bad[3, 0, 2, 5] = np.nan
np.save("nan.npy", bad)
np.save("narrow.npy", x[:, :, :27].copy())
labels = y.copy()
labels[6] = 11
np.save("y_bad.npy", labels)
np.save("y_short.npy", y[:60])
np.save("y_half.npy", np.full(70, 0.5, np.float32))
np.save("six.npy", x[:, :, :6, :6].copy())
np.save("y_three.npy", y % 3)
np.save("onehot.npy", np.eye(10, dtype=np.float32)[y])
out = np.zeros((70, 10), np.float32)
out[4, 2] = np.nan
np.save("nan_out.npy", out)
