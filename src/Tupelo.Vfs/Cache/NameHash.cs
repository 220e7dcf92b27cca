namespace Tupelo.Vfs;

/// <summary>The hash of a name as the cache uses it: keyed per process, good for a file system's own index in memory.</summary>
public static class NameHash
{
    public static uint Of(ReadOnlySpan<byte> name) => new NameKey(name).Hash;
}
