// Which crash states were seen: a set of 128-bit fingerprints with open addressing, 16 bytes each at a load of at most three quarters.
// 64 parts, each with its lock; any thread.
namespace Tupelo.Fuzz.Crash;

internal sealed class DistinctStates
{
    private readonly Part[] _parts = [.. Enumerable.Range(0, 64).Select(static _ => new Part())];

    /// <summary>How many were added.</summary>
    public long Count => _parts.Sum(static part => part.Count);

    /// <summary>True when it was not there.</summary>
    public bool Add(UInt128 fingerprint)
    {
        Part part = _parts[(int)(fingerprint >> 122)];
        lock (part.Mu)
        {
            return part.Add(fingerprint == 0 ? UInt128.MaxValue : fingerprint); // zero is an empty slot
        }
    }

    private sealed class Part
    {
        public readonly Lock Mu = new(); // Guards all below.
        private UInt128[] _slots = new UInt128[1 << 8];
        private long _limit = 3 << 6;

        public long Count { get; private set; }

        public bool Add(UInt128 fingerprint)
        {
            if (Count == _limit)
            {
                Grow();
            }
            ref UInt128 slot = ref Find(_slots, fingerprint);
            if (slot == fingerprint)
            {
                return false;
            }
            slot = fingerprint;
            Count++;
            return true;
        }

        private static ref UInt128 Find(UInt128[] slots, UInt128 fingerprint)
        {
            ulong mask = (ulong)slots.Length - 1;
            for (ulong at = (ulong)fingerprint & mask; ; at = (at + 1) & mask)
            {
                if (slots[at] == 0 || slots[at] == fingerprint)
                {
                    return ref slots[at];
                }
            }
        }

        private void Grow()
        {
            var larger = new UInt128[_slots.Length * 2];
            foreach (UInt128 fingerprint in _slots)
            {
                if (fingerprint != 0)
                {
                    Find(larger, fingerprint) = fingerprint;
                }
            }
            _slots = larger;
            _limit = larger.Length / 4 * 3;
        }
}
}
