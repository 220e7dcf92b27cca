namespace Tupelo.Tfs;

/// <summary>What a new volume is to be.</summary>
public sealed record TfsBuildOptions
{
    /// <summary>UTF-8, at most <see cref="TfsFormat.MaxLabelBytes"/> bytes, no NUL; empty for none.</summary>
    public string Label { get; init; } = "";

    /// <summary>The volume's identity, 16 bytes; null: derived from everything that goes into the volume, so that the same content
    /// gets the same identity.</summary>
    public byte[]? Uuid { get; init; }

    /// <summary>True: nothing but what Nanos' own tools would write; no mode, owner, times, device nodes or commit
    /// records. Other attributes that are given are stored all the same.</summary>
    public bool Plain { get; init; }

    /// <summary>Attributes of the root tuple: the configuration of the machine. `children` must not be among them.</summary>
    public TupleLiteral RootAttributes { get; init; } = new();

    /// <summary>Mode, owner and times of the root directory.</summary>
    public TfsEntryAttributes Root { get; init; } = new();

    /// <summary>Length that the volume has at the least, in bytes.</summary>
    public long MinSizeBytes { get; init; }

    /// <summary>Space left free beyond the content and the two areas that Nanos keeps for its log, in bytes.</summary>
    public long FreeBytes { get; init; }

    /// <summary>True: the volume has the device's length and must do with it. False: the device grows, and shrinks at the end.</summary>
    public bool FixedSize { get; init; }
}

/// <summary>What is stored with a file beyond its content; one object can serve for one file after another.</summary>
public sealed class TfsEntryAttributes
{
    /// <summary>Type and permission bits, or null when they are not stored.</summary>
    public uint? Mode { get; set; }

    /// <summary>Owner, stored together with <see cref="Mode"/>.</summary>
    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public Timespec? ModifyTime { get; set; }

    public Timespec? AccessTime { get; set; }

    /// <summary>Number of a device node.</summary>
    public ulong? Device { get; set; }

    /// <summary>Extended attributes and others, stored under these names.</summary>
    public IList<KeyValuePair<AttributeName, TfsLiteral>> Others { get; } = new List<KeyValuePair<AttributeName, TfsLiteral>>();

    /// <summary>Back to storing nothing.</summary>
    public void Clear()
    {
        Mode = null;
        Uid = 0;
        Gid = 0;
        ModifyTime = null;
        AccessTime = null;
        Device = null;
        Others.Clear();
    }
}

/// <summary>A part of a file that holds data; what lies between parts is a hole.</summary>
public readonly record struct DataRange(long OffsetBytes, long LengthBytes);

/// <summary>Where a part of a file's data belongs on the volume.</summary>
public readonly record struct DataRun(long FileOffsetBytes, long VolumeOffsetBytes, long LengthBytes);

/// <summary>What was built.</summary>
public sealed record TfsBuildSummary
{
    public required long SizeBytes { get; init; }

    /// <summary>Space taken by file data, in bytes.</summary>
    public required long DataBytes { get; init; }

    /// <summary>Space taken by the log, in bytes.</summary>
    public required long LogBytes { get; init; }

    public required long RecordCount { get; init; }

    public required IReadOnlyList<byte> Uuid { get; init; }
}
