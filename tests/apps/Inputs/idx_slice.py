"""idx_slice.py IN.gz OUT COUNT: the first COUNT samples of a gzipped IDX file, uncompressed."""
import gzip
import struct
import sys

source, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with gzip.open(source) as file:
    data = file.read()
rank = data[3]
shape = struct.unpack(">%dI" % rank, data[4:4 + 4 * rank])
size = 1
for extent in shape[1:]:
    size *= extent
assert count <= shape[0]
with open(target, "wb") as file:
    file.write(data[:4] + struct.pack(">I", count) + data[8:4 + 4 * rank])
    file.write(data[4 + 4 * rank:4 + 4 * rank + count * size])
