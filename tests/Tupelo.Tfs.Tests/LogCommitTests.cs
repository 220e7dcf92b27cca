using System.Text;
using Tupelo.Block;

namespace Tupelo.Tfs.Tests;

/// <summary>What a reader makes of commits that are whole, torn, stale, or continued by Nanos. The log's bytes are made by hand here.</summary>
public sealed class LogCommitTests
{
    private const int ExtensionSectors = 64;

    [Fact]
    public void WholeCommits_AreApplied()
    {
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.Commit(2, HandMadeLog.SetOnRoot("two"));
        TfsVolume volume = log.Open();
        Assert.Empty(volume.Faults);
        Assert.Equal(2, volume.Log.CommitCount);
        Assert.Equal(2UL, volume.Log.LastCommitSequence);
        Assert.Equal(Errno.None, volume.Lookup(volume.Root, "one"u8, out _));
        Assert.Equal(TfsValueKind.String, volume.AttributeOf(volume.Root, "two"u8).Kind);
    }

    [Fact]
    public void CommitWithoutItsRecord_IsDroppedAndReported()
    {
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.OpenCommit(HandMadeLog.SetOnRoot("two"));
        TfsVolume volume = log.Open();
        Assert.Equal(1, volume.Log.CommitCount);
        Assert.Equal(TfsValueKind.None, volume.AttributeOf(volume.Root, "two"u8).Kind);
        TfsFault fault = Assert.Single(volume.Faults);
        Assert.Contains("incomplete", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CommitThatNanosWentOnAfter_IsAppliedAsNanosDid()
    {
        // A crash left half a commit; Nanos mounted, replayed the records that it saw, and appended its own behind them.
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.OpenCommit(HandMadeLog.SetOnRoot("two"));
        log.NanosAppends(HandMadeLog.SetOnRoot("three"));
        TfsVolume volume = log.Open();
        Assert.Empty(volume.Faults);
        Assert.Equal(TfsValueKind.String, volume.AttributeOf(volume.Root, "two"u8).Kind);
        Assert.Equal(TfsValueKind.String, volume.AttributeOf(volume.Root, "three"u8).Kind);
        Assert.Equal(1, volume.Log.EndOfSegmentCount);
    }

    [Fact]
    public void CommitAfterNanos_IsReadAsACommitAgain()
    {
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.NanosAppends(HandMadeLog.SetOnRoot("two"));
        log.Commit(2, HandMadeLog.SetOnRoot("three"));
        TfsVolume volume = log.Open();
        Assert.Empty(volume.Faults);
        Assert.Equal(2, volume.Log.CommitCount);
        foreach (string name in (string[])["two", "three"])
        {
            Assert.Equal(TfsValueKind.String, volume.AttributeOf(volume.Root, Encoding.ASCII.GetBytes(name)).Kind);
        }
    }

    [Fact]
    public void FlippedBitInAnAcknowledgedCommit_IsNeverReadInSilence()
    {
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.Commit(2, HandMadeLog.SetOnRoot("two"));
        log.Bytes[log.Bytes.AsSpan().IndexOf("value of two"u8)] ^= 1;
        TfsFormatException error = Assert.Throws<TfsFormatException>(() => log.Open());
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CommitOutOfSequence_IsRefused()
    {
        var log = new HandMadeLog();
        log.Commit(1, HandMadeLog.RootWithFile("one"));
        log.Commit(3, HandMadeLog.SetOnRoot("two"));
        _ = Assert.Throws<TfsFormatException>(() => log.Open());
    }

    [Fact]
    public void LogOfNanosWithoutCommits_IsReplayedRecordByRecord()
    {
        var log = new HandMadeLog();
        log.NanosAppends(HandMadeLog.RootWithFile("one"));
        log.NanosAppends(HandMadeLog.SetOnRoot("two"));
        TfsVolume volume = log.Open();
        Assert.Equal(0, volume.Log.CommitCount);
        Assert.Equal(2, volume.Log.RecordCount);
        Assert.Equal(TfsValueKind.String, volume.AttributeOf(volume.Root, "two"u8).Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(511)]
    public void VolumeShorterThanItsHeader_IsSaidToBeSo(int length)
    {
        byte[] bytes = new HandMadeLog().Bytes[..length];
        _ = Assert.Throws<TfsFormatException>(() => TfsVolume.Open(new MemoryBlockDevice(bytes)));
    }

    private sealed class HandMadeLog
    {
        private int _sector = 1; // within the extension; sector 0 holds its header
        private int _nanosAt;    // where Nanos left END_OF_LOG; 0 when the log ends at a sector's start

        public HandMadeLog()
        {
            Bytes = new byte[(1 + ExtensionSectors) * 512];
            Put(0, [.. "NVMTFS"u8, 5, 1, .. new byte[16], 0, 5, 1, ExtensionSectors, 1]);
            Put(512, [.. "NVMTFS"u8, 5, ExtensionSectors]);
            Bytes.AsSpan(512 + 8, 512 - 8).Fill(4);
            for (int sector = 2; sector <= ExtensionSectors; sector++)
            {
                Bytes[sector * 512] = 1;
            }
        }

        public byte[] Bytes { get; }

        public TfsVolume Open() => TfsVolume.Open(new MemoryBlockDevice(Bytes));

        public void Commit(ulong sequence, params byte[][] records) => Append(records, sequence);

        public void OpenCommit(params byte[][] records) => Append(records, 0);

        public void NanosAppends(byte[] record)
        {
            int at = _nanosAt != 0 ? _nanosAt : (1 + _sector) * 512;
            byte[] frame = [4, 2, (byte)record.Length, (byte)record.Length, .. record];
            Put(at, frame);
            _nanosAt = at + frame.Length;
            Bytes[_nanosAt] = 1;
        }

        public static byte[] RootWithFile(string name) =>
            [0x91, .. Symbol("children"), 0x91, .. Symbol(name), 0x91, .. Symbol("extents"), 0x90];

        public static byte[] SetOnRoot(string name) => [0x11, 0x01, .. Symbol(name), .. Text("value of " + name)];

        private void Append(byte[][] records, ulong sequence)
        {
            if (_nanosAt != 0)
            {
                // Tupelo mounts what Nanos left: pads to the next sector and begins there.
                int end = (_nanosAt + 511) / 512 * 512;
                Bytes.AsSpan(_nanosAt, end - _nanosAt).Fill(4);
                _sector = (end / 512) - 1;
                _nanosAt = 0;
            }
            var body = new List<byte> { 4, 4, 4, 4 };
            var checksum = default(CommitChecksum);
            foreach (byte[] record in records)
            {
                body.AddRange([2, (byte)record.Length, (byte)record.Length, .. record]);
                checksum.Append(record);
            }
            if (sequence != 0)
            {
                var value = new byte[CommitRecord.ValueBytes];
                checksum.Write(sequence, value);
                byte[] record = [0x11, 0x01, .. CommitSymbol(), 0xC8, (byte)value.Length, .. value];
                body.AddRange([2, (byte)record.Length, (byte)record.Length, .. record]);
            }
            Assert.True(body.Count <= 512, "these commits fit a sector");
            Put((1 + _sector) * 512, [.. body, .. Enumerable.Repeat((byte)4, 512 - body.Count)]);
            _sector++;
            Bytes[(1 + _sector) * 512] = 1;
        }

        private int _commitIndex;

        private byte[] CommitSymbol()
        {
            if (_commitIndex != 0)
            {
                return [(byte)(0x08), (byte)_commitIndex];
            }
            // The root record of these tests gives numbers 1..6: root, children, its tuple, the name, the file, extents, its tuple.
            _commitIndex = 8;
            return [.. Symbol("tupelo_commit")];
        }

        private static byte[] Symbol(string name) => [(byte)(0x88 | (name.Length >> 7)), (byte)(name.Length & 0x7F), .. Encoding.ASCII.GetBytes(name)];

        private static byte[] Text(string value) => [(byte)(0xC8 | (value.Length >> 7)), (byte)(value.Length & 0x7F), .. Encoding.ASCII.GetBytes(value)];

        private void Put(int at, ReadOnlySpan<byte> bytes) => bytes.CopyTo(Bytes.AsSpan(at));
    }
}
