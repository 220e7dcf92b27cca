namespace Tupelo;

/// <summary>What happened to a name.</summary>
public enum FileChangeKind
{
    /// <summary>It came: made, linked, or moved in from a place that is not watched.</summary>
    Created,

    /// <summary>Its content changed.</summary>
    Changed,

    /// <summary>Mode, owner, times, extended attributes or number of names changed.</summary>
    AttributesChanged,

    /// <summary>It went: removed, or moved to a place that is not watched.</summary>
    Deleted,

    /// <summary>It has another name; <see cref="FileChange.OldPath"/> is the one before.</summary>
    Renamed,

    /// <summary>More happened than the queue holds, and some of it is not told: look for yourself.</summary>
    Overflow,
}

/// <summary>One thing that happened.</summary>
/// <param name="Kind">What.</param>
/// <param name="Path">To which path; "" for <see cref="FileChangeKind.Overflow"/>.</param>
/// <param name="OldPath">The path before, of what was renamed.</param>
/// <param name="IsDirectory">Whether it is a directory.</param>
public readonly record struct FileChange(FileChangeKind Kind, string Path, string? OldPath = null, bool IsDirectory = false);
