// Paths as bytes, as the editing commands take them apart: the last name, what is in front of it, and joining them.
namespace Tupelo.Cli.Editing;

internal static class PathBytes
{
    /// <summary>Without '/' at its end; "/" stays.</summary>
    public static byte[] Trim(byte[] path)
    {
        int length = path.Length;
        while (length > 1 && path[length - 1] == '/')
        {
            length--;
        }
        return length == path.Length ? path : path[..length];
    }

    /// <summary>The last name; empty for "/", "." and ".." (also at the end of a longer path), which name no entry.</summary>
    public static ReadOnlySpan<byte> Name(byte[] path)
    {
        ReadOnlySpan<byte> trimmed = Trim(path);
        ReadOnlySpan<byte> name = trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..];
        return name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) ? default : name;
    }

    /// <summary>The directory part; "." or "/" where there is none.</summary>
    public static byte[] Parent(byte[] path)
    {
        byte[] trimmed = Trim(path);
        int slash = trimmed.AsSpan().LastIndexOf((byte)'/');
        return slash < 0 ? "."u8.ToArray() : Trim(trimmed[..Math.Max(1, slash)]);
    }

    /// <summary>A name in a directory.</summary>
    public static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) =>
        directory.Length == 0 || directory[^1] == '/' ? [.. directory, .. name] : [.. directory, (byte)'/', .. name];
}
