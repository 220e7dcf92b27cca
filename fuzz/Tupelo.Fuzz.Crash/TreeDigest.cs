// What the digest of a tree is made of; used by the model and by the reader of real volumes, so that both mean the same. A sum over
// files, so that order does not matter: each adds its attributes mixed with the sum of its paths (a file with three names has three).
// The time of birth is in it, as it tells files apart; other times, sizes and contents are judged by themselves.
namespace Tupelo.Fuzz.Crash;

internal static class TreeDigest
{
    /// <summary>Path of the root.</summary>
    public static UInt128 RootPath => new(0x243F6A8885A308D3, 0x13198A2E03707344);

    /// <summary>Path of an entry of a directory.</summary>
    public static UInt128 Path(UInt128 directory, ReadOnlySpan<byte> name)
    {
        var digest = new Digest(1);
        digest.Add(directory);
        digest.Add(name);
        return digest.Value;
    }

    public static UInt128 Xattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var digest = new Digest(2);
        digest.Add(name);
        digest.Add(value);
        return digest.Value;
    }

    public static UInt128 Attributes(FileType type, uint permissions, uint uid, uint gid, uint links, ulong device, ReadOnlySpan<byte> target, Timespec birth, UInt128 xattrs)
    {
        var digest = new Digest(3);
        digest.Add((ulong)type << 32 | permissions);
        digest.Add((ulong)uid << 32 | gid);
        digest.Add(links);
        digest.Add(device);
        digest.Add(target);
        digest.Add((ulong)birth.Seconds);
        digest.Add(xattrs);
        return digest.Value;
    }

    public static UInt128 File(UInt128 attributes, UInt128 paths)
    {
        var digest = new Digest(4);
        digest.Add(attributes);
        digest.Add(paths);
        return digest.Value;
    }
}
