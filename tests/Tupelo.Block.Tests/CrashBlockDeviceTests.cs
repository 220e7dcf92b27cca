namespace Tupelo.Block.Tests;

public sealed class CrashBlockDeviceTests : BlockDeviceContractTests
{
    protected override bool RecordsWrites => true;

    protected override BlockDevice Create() => new CrashBlockDevice(new CopyOnWriteImage(Size));

    private static CrashBlockDevice Small(int sectors = 8) => new(new CopyOnWriteImage(sectors * 512));

    private static byte[] Sectors(int count, byte value)
    {
        byte[] data = new byte[count * 512];
        data.AsSpan().Fill(value);
        return data;
    }

    /// <summary>The first byte of every sector.</summary>
    private static string Show(CopyOnWriteImage image) =>
        string.Concat(image.ToArray().Chunk(512).Select(sector => sector[0] == 0 ? '.' : (char)sector[0]));

    [Fact]
    public void Recording_HoldsEverythingInOrder()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(0, device.Mark(CrashMark.OperationBegin, 1));
        Assert.Equal(Errno.None, device.Write(512, "ab"u8));
        Assert.Equal(Errno.EINVAL, device.Write(4096, "no"u8));
        Assert.Equal(Errno.None, device.Discard(0, 100));
        Assert.Equal(Errno.None, device.Flush());
        device.Mark(CrashMark.Synced, 1);
        Assert.Equal(Errno.None, device.Flush()); // nothing to make durable
        Assert.Equal(Errno.None, device.Resize(8192));
        CrashRecording recording = device.Record();
        Assert.Equal(
            [CrashEventKind.Mark, CrashEventKind.Write, CrashEventKind.Discard, CrashEventKind.Flush, CrashEventKind.Mark, CrashEventKind.Flush, CrashEventKind.Resize],
            recording.Events.Select(e => e.Kind));
        Assert.All(recording.Events.Select((e, i) => (e, i)), pair => Assert.Equal(pair.i, pair.e.Sequence));
        Assert.Equal("ab"u8, recording.Events[1].Data.Span);
        Assert.Equal(512, recording.Events[1].OffsetBytes);
        Assert.Equal(100, recording.Events[2].LengthBytes);
        Assert.Equal(2, recording.Epochs.Count);
        Assert.Equal([1, 2], recording.Epochs[0].Changes.Select(e => e.Sequence));
        Assert.Same(recording.Events[3], recording.Epochs[0].End);
        Assert.Equal([6], recording.Epochs[1].Changes.Select(e => e.Sequence));
        Assert.Null(recording.Epochs[1].End);
        Assert.Equal(1, recording.LastMarkBefore(7, CrashMark.Synced)!.Operation);
        Assert.Null(recording.LastMarkBefore(4, CrashMark.Synced));
        Assert.Equal(0, recording.LastMarkBefore(1, CrashMark.OperationBegin)!.Sequence);
        Assert.Null(recording.LastMarkBefore(0, CrashMark.OperationBegin));

        Assert.Equal(Errno.None, device.Write(0, "later"u8)); // a recording does not change
        Assert.Equal(7, recording.Events.Count);
        Assert.Single(recording.Epochs[1].Changes);
    }

    [Fact]
    public void WrittenMemory_IsCopied()
    {
        using CrashBlockDevice device = Small();
        byte[] data = Sectors(1, (byte)'a');
        Assert.Equal(Errno.None, device.Write(0, data));
        data.AsSpan().Fill((byte)'b');
        Assert.Equal("a.......", Show(device.LiveImage()));
        Assert.Equal("a.......", Show(device.Record().Epochs[0].Materialize(new KeptChange(0))));
    }

    [Fact]
    public void OnlyFlushed_IsDurable()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(0, Sectors(2, (byte)'a')));
        Assert.Equal("aa......", Show(device.LiveImage()));
        Assert.Equal("........", Show(device.DurableImage()));
        Assert.Equal(Errno.None, device.Flush());
        Assert.Equal("aa......", Show(device.DurableImage()));
        Assert.Equal(Errno.None, device.Write(512, Sectors(2, (byte)'b')));
        Assert.Equal("aa......", Show(device.DurableImage()));
        Assert.Equal("abb.....", Show(device.LiveImage()));
        CrashRecording recording = device.Record();
        Assert.Equal("........", Show(recording.Epochs[0].Durable));
        Assert.Equal("aa......", Show(recording.Epochs[1].Durable));
    }

    [Fact]
    public unsafe void VectoredWrite_IsOneChange()
    {
        using CrashBlockDevice device = Small();
        byte[] data = [.. Sectors(1, (byte)'a'), .. Sectors(1, (byte)'b')];
        fixed (byte* start = data)
        {
            Assert.Equal(Errno.None, device.Write(1024, [new IoSegment((nint)start + 512, 512), new IoSegment((nint)start, 512)]));
        }
        CrashEvent change = Assert.Single(device.Record().Events);
        Assert.Equal(1024, change.LengthBytes);
        Assert.Equal("..ba....", Show(device.LiveImage()));
    }

    [Theory]
    [InlineData("0:", "AA..dd..")]
    [InlineData("0: 0", "bbb.dd..")]
    [InlineData("0: 0 1", "bbb.....")] // the discard
    [InlineData("0: 1", "AA......")]
    [InlineData("0: 1 2", "AAccc...")]
    [InlineData("0: 2 0", "bbbccd..")] // the later write is reached first...
    [InlineData("0: 0 2", "bbcccd..")] // ... or last
    [InlineData("0: 0:first1", "bA..dd..")]
    [InlineData("0: 0:last1", "AAb.dd..")]
    [InlineData("0: 0:first0", "AA..dd..")]
    [InlineData("0: 0:last99", "bbb.dd..")]
    [InlineData("0: 0=zeros", "....dd..")]
    [InlineData("0: 0:first1=zeros", ".A..dd..")]
    [InlineData("0: 1:first1", "AA...d..")]
    [InlineData("0: 2:last1 0:last2", "Abb.cd..")]
    public void State_IsWhatWasKept_InItsOrder(string state, string expected)
    {
        CopyOnWriteImage start = new(8 * 512);
        start.Write(0, Sectors(2, (byte)'A'));
        start.Write(4 * 512, Sectors(2, (byte)'d'));
        using var device = new CrashBlockDevice(start);
        Assert.Equal(Errno.None, device.Write(0, Sectors(3, (byte)'b'))); // 0
        Assert.Equal(Errno.None, device.Discard(4 * 512, 1024)); // 1
        Assert.Equal(Errno.None, device.Write(1024, Sectors(3, (byte)'c'))); // 2
        CrashState parsed = CrashState.Parse(state);
        string actual = Show(device.Record().Materialize(parsed));
        Assert.Equal(expected, actual);
        Assert.Equal(state.TrimEnd(), parsed.ToString().TrimEnd());
    }

    [Fact]
    public void RandomSectors_AreHalfOfThem_AndTheSameForTheSameSeed()
    {
        using CrashBlockDevice device = Small(sectors: 4000);
        Assert.Equal(Errno.None, device.Write(0, Sectors(4000, (byte)'x')));
        CrashEpoch epoch = device.Record().Epochs[0];
        string Of(ulong seed) => Show(epoch.Materialize(new KeptChange(0, SectorChoice.Random, seed)));
        Assert.InRange(Of(1).Count(c => c == 'x'), 1800, 2200);
        Assert.Equal(Of(1), Of(1));
        Assert.NotEqual(Of(1), Of(2));
    }

    [Fact]
    public void TearInsideOfASector_IsByTheByte()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(700, Sectors(2, (byte)'x')));
        byte[] content = device.Record().Epochs[0].Materialize(new KeptChange(0, SectorChoice.FirstBytes, 600)).ToArray();
        Assert.Equal(700, content.AsSpan().IndexOf((byte)'x'));
        Assert.Equal(1299, content.AsSpan().LastIndexOf((byte)'x'));
    }

    [Fact]
    public void UnalignedWrite_IsTornAtTheDevicesSectors()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(700, Sectors(1, (byte)'x'))); // 700..1212: part of sector 1, part of sector 2
        CrashEpoch epoch = device.Record().Epochs[0];
        Assert.Equal(2, epoch.Changes[0].SectorCount(512));
        byte[] first = epoch.Materialize(new KeptChange(0, SectorChoice.First, 1)).ToArray();
        Assert.Equal((700, 1023), (first.AsSpan().IndexOf((byte)'x'), first.AsSpan().LastIndexOf((byte)'x')));
        byte[] last = epoch.Materialize(new KeptChange(0, SectorChoice.Last, 1)).ToArray();
        Assert.Equal((1024, 1211), (last.AsSpan().IndexOf((byte)'x'), last.AsSpan().LastIndexOf((byte)'x')));
    }

    [Fact]
    public void LargeSectors_AreTornAsSuch()
    {
        using var device = new CrashBlockDevice(new CopyOnWriteImage(16384), sectorBytes: 4096);
        Assert.Equal(4096, device.SectorBytes);
        Assert.Equal(Errno.None, device.Write(0, Sectors(24, (byte)'x')));
        Assert.Equal("xxxxxxxx", Show(device.Record().Epochs[0].Materialize(new KeptChange(0, SectorChoice.First, 1))).TrimEnd('.'));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrashBlockDevice(new CopyOnWriteImage(0), sectorBytes: 1024));
    }

    [Fact]
    public void Garbage_IsNeitherOldNorNew_AndRepeatable()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(256, Sectors(3, (byte)'x')));
        CrashEpoch epoch = device.Record().Epochs[0];
        byte[] Of(ulong seed) => epoch.Materialize(new KeptChange(0, SectorChoice.All, seed, SectorContent.Garbage)).ToArray();
        byte[] content = Of(5);
        Assert.Equal(content, Of(5));
        Assert.NotEqual(content, Of(6));
        Assert.False(content.AsSpan(0, 256).ContainsAnyExcept((byte)0));
        Assert.False(content.AsSpan(256 + 1536).ContainsAnyExcept((byte)0));
        Assert.InRange(content.AsSpan(256, 1536).ToArray().Distinct().Count(), 200, 256);
    }

    [Fact]
    public void LostGrowth_LeavesTheFileAsLongAsTheWritesReach()
    {
        using CrashBlockDevice device = Small(2);
        Assert.Equal(Errno.None, device.Resize(8 * 512)); // 0
        Assert.Equal(Errno.None, device.Write(1024, Sectors(2, (byte)'x'))); // 1
        Assert.Equal(Errno.None, device.Discard(5 * 512, 1024)); // 2
        CrashEpoch epoch = device.Record().Epochs[0];
        Assert.Equal("..xx....", Show(epoch.Materialize(KeptChange.AllOf(3))));
        Assert.Equal("..xx", Show(epoch.Materialize(new KeptChange(1))));
        Assert.Equal("..", Show(epoch.Materialize(new KeptChange(2))));
        Assert.Equal("........", Show(epoch.Materialize(new KeptChange(0))));
    }

    [Fact]
    public void LyingDevice_HasOneEpochForAll()
    {
        using var device = new CrashBlockDevice(new CopyOnWriteImage(4096)) { IgnoresFlush = true };
        Assert.Equal(Errno.None, device.Write(0, "a"u8));
        Assert.Equal(Errno.None, device.Flush());
        Assert.Equal(Errno.None, device.Write(0, "b"u8));
        Assert.Equal(2, Assert.Single(device.Record().Epochs).Changes.Count);
        Assert.Equal("........", Show(device.DurableImage()));
    }

    [Fact]
    public void FailedFlush_LosesItsEpochForGood_ThoughReadsShowIt()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(0, Sectors(1, (byte)'a')));
        Assert.Equal(Errno.None, device.Flush());
        Assert.Equal(Errno.None, device.Write(512, Sectors(1, (byte)'b')));
        device.FailNextFlush(Errno.EIO);
        Assert.Equal(Errno.EIO, device.Flush());
        Assert.Equal(Errno.None, device.Write(1024, Sectors(1, (byte)'c')));
        Assert.Equal(Errno.None, device.Flush()); // as if nothing had happened
        Assert.Equal("abc.....", Show(device.LiveImage()));
        Assert.Equal("a.c.....", Show(device.DurableImage()));
        CrashRecording recording = device.Record();
        Assert.Equal(CrashEventKind.FailedFlush, recording.Epochs[1].End!.Kind);
        Assert.Equal("a.......", Show(recording.Epochs[2].Durable));
    }

    [Fact]
    public void CrashWhileRecovering_IsRecordedOnTheStateAlone()
    {
        using CrashBlockDevice device = Small();
        Assert.Equal(Errno.None, device.Write(0, Sectors(1, (byte)'a')));
        Assert.Equal(Errno.None, device.Write(512, Sectors(1, (byte)'b')));
        CopyOnWriteImage state = device.Record().Epochs[0].Materialize(new KeptChange(1));
        using var recovering = new CrashBlockDevice(state);
        Assert.Equal(Errno.None, recovering.Write(1024, Sectors(1, (byte)'r')));
        CrashRecording recovery = recovering.Record();
        Assert.Equal(".b......", Show(recovery.Epochs[0].Materialize()));
        Assert.Equal(".br.....", Show(recovery.Epochs[0].Materialize(new KeptChange(0))));
        Assert.Equal(".b......", Show(state));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("x: 1")]
    [InlineData("1: y")]
    [InlineData("1: 2:first")]
    [InlineData("1: 2:7")]
    [InlineData("1: 2:middle3")]
    [InlineData("1: 2=holes")]
    [InlineData("1: -2")]
    public void TextThatIsNoState_IsAFormatException(string text) => Assert.Throws<FormatException>(() => CrashState.Parse(text));

    [Fact]
    public void StateText_GoesThereAndBack()
    {
        var state = new CrashState(12, [
            new(0), new(3, SectorChoice.First, 2), new(2, SectorChoice.Last, 1, SectorContent.Zeros),
            new(1, SectorChoice.Random, ulong.MaxValue, SectorContent.Garbage), new(9, SectorChoice.FirstBytes, 700)]);
        Assert.Equal("12: 0 3:first2 2:last1=zeros 1:random18446744073709551615=garbage 9:firstbytes700", state.ToString());
        CrashState parsed = CrashState.Parse(state.ToString());
        Assert.Equal(12, parsed.Epoch);
        Assert.Equal(state.Kept, parsed.Kept);
    }

    /// <summary>A counter kept in two slots, written in turn, each with a check sum and followed by a flush: the smallest store that
    /// survives crashes. Without its flush it does not, and the harness must notice.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void HarnessOnTop_FindsTheMissingFlush_AndPassesTheRightOrder(bool flushes)
    {
        using CrashBlockDevice device = Small(sectors: 6);
        for (byte value = 1; value <= 6; value++)
        {
            device.Mark(CrashMark.OperationBegin, value);
            Assert.Equal(Errno.None, device.Write(value % 2 * 3 * 512, Sectors(3, value)));
            if (flushes)
            {
                Assert.Equal(Errno.None, device.Flush());
            }
            device.Mark(CrashMark.Synced, value);
        }
        CrashRecording recording = device.Record();
        int violations = 0;
        var distinct = new HashSet<UInt128>();
        foreach (CrashEpoch epoch in recording.Epochs)
        {
            // Every subset of the changes, each change whole or torn in two ways.
            int n = epoch.Changes.Count;
            for (int choice = 0; choice < Math.Pow(4, n); choice++)
            {
                var kept = new List<KeptChange>();
                for (int i = 0; i < n; i++)
                {
                    switch ((choice >> (2 * i)) & 3)
                    {
                        case 1: kept.Add(new KeptChange(i)); break;
                        case 2: kept.Add(new KeptChange(i, SectorChoice.First, 2)); break;
                        case 3: kept.Add(new KeptChange(i, SectorChoice.Last, 1)); break;
                    }
                }
                CopyOnWriteImage image = epoch.Materialize([.. kept]);
                if (!distinct.Add(image.Fingerprint(recording.Epochs[0].Durable)))
                {
                    continue;
                }
                int latest = kept.Count == 0 ? epoch.Changes[0].Sequence : epoch.Changes[kept[^1].Index].Sequence;
                long promised = recording.LastMarkBefore(latest, CrashMark.Synced)?.Operation ?? 0;
                long begun = recording.LastMarkBefore(latest, CrashMark.OperationBegin)!.Operation;
                int found = ReadCounter(image.ToArray());
                violations += found >= promised && found <= begun ? 0 : 1;
            }
        }
        Assert.True(flushes ? violations == 0 : violations > 0, $"{violations} violations in {distinct.Count} states");
    }

    private static int ReadCounter(byte[] image)
    {
        int[] slots = [.. image.Chunk(3 * 512).Select(slot => slot.AsSpan().ContainsAnyExcept(slot[0]) ? 0 : slot[0])];
        return slots.Max();
    }
}
