using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>What image is wanted.</summary>
public sealed record ImageRequest
{
    /// <summary>The file to make.</summary>
    public required string ImagePath { get; init; }

    /// <summary>Replace a file of that name.</summary>
    public bool Overwrite { get; init; }

    /// <summary>The host's directory whose tree goes into the image; null for none.</summary>
    public string? SourceDirectory { get; init; }

    /// <summary>What is left out of that tree.</summary>
    public ExcludePatterns Excludes { get; init; } = new([]);

    /// <summary>The root tuple as a manifest gives it: files, configuration, `boot`, `imagesize`; null for none.</summary>
    public TupleLiteral? Manifest { get; init; }

    /// <summary>Below it host files of the manifest are looked up first; null: on the host alone.</summary>
    public string? TargetRoot { get; init; }

    /// <summary>Root attributes that win over the manifest's.</summary>
    public TupleLiteral RootAttributes { get; init; } = new();

    /// <summary>UTF-8, at most 31 bytes.</summary>
    public string Label { get; init; } = "";

    /// <summary>16 bytes; null: random, or derived from the content when <see cref="Reproducible"/>.</summary>
    public byte[]? Uuid { get; init; }

    /// <summary>Nothing but what Nanos' own tools store.</summary>
    public bool Plain { get; init; }

    /// <summary>The same bytes for the same tree, on any machine.</summary>
    public bool Reproducible { get; init; }

    /// <summary>No time later than this is stored; null for no limit.</summary>
    public Timespec? LatestTime { get; init; }

    /// <summary>Nanos' boot loader; with it the image is a bootable disk. null: the image is one volume.</summary>
    public string? BootImage { get; init; }

    /// <summary>The kernel that a bootable disk starts; null: the manifest's `boot`, or the file /kernel.</summary>
    public string? Kernel { get; init; }

    /// <summary>Length of the whole image at the least, in bytes.</summary>
    public long MinSizeBytes { get; init; }

    /// <summary>Free space beyond the content, in bytes.</summary>
    public long FreeBytes { get; init; }
}

/// <summary>What was made.</summary>
public sealed record ImageSummary
{
    public required long SizeBytes { get; init; }

    /// <summary>Where the root volume begins in the image, in bytes.</summary>
    public required long RootOffsetBytes { get; init; }

    /// <summary>The root volume.</summary>
    public required TfsBuildSummary Root { get; init; }
}
