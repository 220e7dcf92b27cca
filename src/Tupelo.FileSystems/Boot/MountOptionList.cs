// The option lists of mount(8) and fstab: words that are mount(2) flags, words that concern whoever mounts, and the rest, which is for
// the file system. Later words override earlier ones. Source: mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS".
using System.Text;

namespace Tupelo.FileSystems;

/// <summary>A list such as "ro,nosuid,size=1M", taken apart. Immutable.</summary>
public sealed record MountOptionList
{
    // Word, flags to set, flags to clear before.
    private static readonly (string Word, MountFlags Set, MountFlags Clear)[] s_words =
    [
        ("defaults", 0, 0),
        ("ro", MountFlags.ReadOnly, 0),
        ("rw", 0, MountFlags.ReadOnly),
        ("nosuid", MountFlags.NoSetUid, 0),
        ("suid", 0, MountFlags.NoSetUid),
        ("nodev", MountFlags.NoDevices, 0),
        ("dev", 0, MountFlags.NoDevices),
        ("noexec", MountFlags.NoExec, 0),
        ("exec", 0, MountFlags.NoExec),
        ("sync", MountFlags.Synchronous, 0),
        ("async", 0, MountFlags.Synchronous),
        ("dirsync", MountFlags.DirectorySync, 0),
        ("remount", MountFlags.Remount, 0),
        ("mand", MountFlags.MandatoryLocks, 0),
        ("nomand", 0, MountFlags.MandatoryLocks),
        ("nosymfollow", MountFlags.NoSymlinkFollow, 0),
        ("symfollow", 0, MountFlags.NoSymlinkFollow),
        ("noatime", MountFlags.NoAccessTime, MountFlags.RelativeAccessTime | MountFlags.StrictAccessTime),
        ("atime", 0, MountFlags.NoAccessTime),
        ("nodiratime", MountFlags.NoDirectoryAccessTime, 0),
        ("diratime", 0, MountFlags.NoDirectoryAccessTime),
        ("relatime", MountFlags.RelativeAccessTime, MountFlags.NoAccessTime | MountFlags.StrictAccessTime),
        ("norelatime", 0, MountFlags.RelativeAccessTime),
        ("strictatime", MountFlags.StrictAccessTime, MountFlags.NoAccessTime | MountFlags.RelativeAccessTime),
        ("nostrictatime", 0, MountFlags.StrictAccessTime),
        ("lazytime", MountFlags.LazyTime, 0),
        ("nolazytime", 0, MountFlags.LazyTime),
        ("silent", MountFlags.Silent, 0),
        ("loud", 0, MountFlags.Silent),
        ("bind", MountFlags.Bind, 0),
        ("rbind", MountFlags.Bind | MountFlags.Recursive, 0),
        ("move", MountFlags.Move, 0),
        ("shared", MountFlags.Shared, 0),
        ("rshared", MountFlags.Shared | MountFlags.Recursive, 0),
        ("private", MountFlags.Private, 0),
        ("rprivate", MountFlags.Private | MountFlags.Recursive, 0),
        ("slave", MountFlags.Slave, 0),
        ("rslave", MountFlags.Slave | MountFlags.Recursive, 0),
        ("unbindable", MountFlags.Unbindable, 0),
        ("runbindable", MountFlags.Unbindable | MountFlags.Recursive, 0),
    ];

    // For the programs that read the table; no file system sees them.
    private static readonly string[] s_tableWords = ["auto", "user", "nouser", "users", "owner", "group", "_netdev"];

    /// <summary>mount(2)'s flags.</summary>
    public MountFlags Flags { get; private init; }

    /// <summary>What is left for the file system, in its order, comma-separated.</summary>
    public string Data { get; private init; } = string.Empty;

    /// <summary>nofail.</summary>
    public bool MayFail { get; private init; }

    /// <summary>noauto.</summary>
    public bool OnlyWhenAsked { get; private init; }

    /// <summary>Takes a list apart. Nothing is refused here: unknown words are the file system's, which answers EINVAL.</summary>
    public static MountOptionList Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        MountFlags flags = 0;
        bool mayFail = false;
        bool onlyWhenAsked = false;
        var data = new StringBuilder();
        foreach (string word in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int index = Array.FindIndex(s_words, known => string.Equals(known.Word, word, StringComparison.Ordinal));
            if (index >= 0)
            {
                flags = (flags & ~s_words[index].Clear) | s_words[index].Set;
            }
            else if (word is "nofail" or "fail")
            {
                mayFail = word is "nofail";
            }
            else if (word is "noauto")
            {
                onlyWhenAsked = true;
            }
            else if (!Array.Exists(s_tableWords, known => string.Equals(known, word, StringComparison.Ordinal))
                && !word.StartsWith("x-", StringComparison.Ordinal) && !word.StartsWith("comment=", StringComparison.Ordinal))
            {
                _ = (data.Length > 0 ? data.Append(',') : data).Append(word);
            }
        }
        return new MountOptionList { Flags = flags, Data = data.ToString(), MayFail = mayFail, OnlyWhenAsked = onlyWhenAsked };
    }
}
