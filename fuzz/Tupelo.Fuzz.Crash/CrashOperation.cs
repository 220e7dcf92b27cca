// One step of a workload, as a value and as a line of text: "write /foo 1000 5000". A failing workload is kept as such lines.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Fuzz.Crash;

/// <summary>What a step does. A, B are its paths; X, Y its numbers.</summary>
internal enum OperationKind
{
    /// <summary>open(A, O_CREAT), close.</summary>
    Create,
    MakeDirectory,
    MakeFifo,
    MakeDevice,

    /// <summary>A symbolic link A with the text B.</summary>
    Symlink,
    Link,
    Unlink,
    RemoveDirectory,
    Rename,
    RenameNoReplace,
    Exchange,
    Whiteout,

    /// <summary>pwrite of Y bytes at X.</summary>
    Write,

    /// <summary>The same with O_SYNC.</summary>
    WriteSync,

    /// <summary>The same with O_DIRECT: X and Y are multiples of 4096.</summary>
    WriteDirect,

    /// <summary>O_APPEND of X bytes.</summary>
    Append,
    Truncate,

    /// <summary>open(A, O_TRUNC), then a write of X bytes: how programs replace a file.</summary>
    Rewrite,
    Allocate,
    AllocateKeepSize,
    PunchHole,
    ZeroRange,
    ZeroRangeKeepSize,
    CollapseRange,
    InsertRange,

    /// <summary>The attribute user.B of X bytes.</summary>
    SetXattr,
    RemoveXattr,
    ChangeMode,
    ChangeOwner,

    /// <summary>utimensat to second X.</summary>
    SetTimes,

    /// <summary>O_TMPFILE in A's directory, X bytes, linkat to A.</summary>
    TemporaryThenLink,

    /// <summary>open, unlink, write X bytes, close.</summary>
    WriteUnlinked,
    FSync,
    FDataSync,
    FSyncDirectory,
    Sync,
    Compact,

    /// <summary>Unmount and mount again.</summary>
    Remount,
}

/// <summary>One step.</summary>
internal readonly record struct CrashOperation(OperationKind Kind, string A = "", string B = "", long X = 0, long Y = 0)
{
    /// <summary>True when the step asks for durability.</summary>
    public bool IsSync => Kind is OperationKind.FSync or OperationKind.FDataSync or OperationKind.FSyncDirectory or OperationKind.Sync or OperationKind.WriteSync
        or OperationKind.Compact or OperationKind.Remount;

    /// <summary>Adds all of it to a digest.</summary>
    public void AddTo(ref Digest digest)
    {
        digest.Add((ulong)Kind);
        digest.Add(MemoryMarshal.AsBytes(A.AsSpan()));
        digest.Add(MemoryMarshal.AsBytes(B.AsSpan()));
        digest.Add((ulong)X);
        digest.Add((ulong)Y);
    }

    /// <summary>"write /foo 1000 5000"; unused fields at the end are left out.</summary>
    public override string ToString()
    {
        string text = Kind.ToString();
        string numbers = Y != 0 ? string.Create(CultureInfo.InvariantCulture, $" {X} {Y}") : X != 0 ? string.Create(CultureInfo.InvariantCulture, $" {X}") : "";
        return $"{text}{(A.Length > 0 ? " " + A : "")}{(B.Length > 0 ? " " + B : "")}{numbers}";
    }

    /// <summary>The step that <see cref="ToString"/> wrote. Paths begin with '/' or a letter, numbers with a digit.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static CrashOperation Parse(string line)
    {
        string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || !Enum.TryParse(parts[0], ignoreCase: true, out OperationKind kind))
        {
            throw new FormatException("no operation: " + line);
        }
        string[] words = [.. parts.Skip(1).Where(part => !char.IsAsciiDigit(part[0]))];
        long[] numbers = [.. parts.Skip(1).Where(part => char.IsAsciiDigit(part[0])).Select(part => long.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture))];
        return new CrashOperation(kind, words.ElementAtOrDefault(0) ?? "", words.ElementAtOrDefault(1) ?? "", numbers.ElementAtOrDefault(0), numbers.ElementAtOrDefault(1));
    }
}
