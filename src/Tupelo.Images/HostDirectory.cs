// A tree of the host, read one directory at a time: names sorted by their bytes, so that the order is the same on every machine, and
// objects opened relative to their directory without following symbolic links, so that nobody can lead the reader elsewhere by
// renaming things. Two implementations: LinuxHostDirectory by the system's own calls, PortableHostDirectory by System.IO.
// One caller at a time.
using Tupelo.Tfs;
using Tupelo.Block;

namespace Tupelo.Images;

/// <summary>An open directory of the host.</summary>
internal abstract class HostDirectory : IDisposable
{
    /// <summary>Opens the directory at <paramref name="path"/>, which may be a symbolic link to one.</summary>
    /// <exception cref="ImageException">There is none, or it may not be read.</exception>
    public static HostDirectory Open(string path)
    {
        if (path.Length == 0 || path.Contains('\0'))
        {
            throw new ImageException("a directory's name cannot be empty or contain NUL");
        }
        return HostCalls.AreKnown ? LinuxHostDirectory.OpenRoot(path) : new PortableHostDirectory(path);
    }

    /// <summary>The directory itself.</summary>
    public HostEntry Self { get; } = new();

    /// <summary>Number of entries, without "." and "..".</summary>
    public abstract int Count { get; }

    /// <summary>Name of entry <paramref name="index"/>; ascending by bytes.</summary>
    public abstract ReadOnlySpan<byte> NameAt(int index);

    /// <summary>Whether entry <paramref name="index"/> is a directory.</summary>
    public abstract bool IsDirectory(int index);

    /// <summary>Bytes of data that entry <paramref name="index"/> holds if it is a regular file; else, or when nobody can say, 0.</summary>
    public abstract long DataBytesOf(int index);

    /// <summary>Opens a subdirectory. It must be disposed before this one is used again.</summary>
    public abstract HostDirectory OpenDirectory(int index);

    /// <summary>Opens an entry that is not a directory. The object is this directory's own and good until the next call.</summary>
    public abstract HostFile OpenFile(int index);

    /// <summary>Adds the directory's extended attributes to <paramref name="to"/>.</summary>
    public abstract void ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>An object of the host that is not a directory: a regular file is open for reading.</summary>
internal abstract class HostFile : IDisposable
{
    /// <summary>Opens the regular file at <paramref name="path"/>, through symbolic links.</summary>
    public static HostFile Open(string path)
    {
        HostFile file = HostCalls.AreKnown ? LinuxHostFile.OpenPath(path) : new PortableHostFile(path);
        if (file.Entry.Type != FileType.Regular)
        {
            FileType type = file.Entry.Type;
            file.Dispose();
            throw new ImageException($"{path} is not a regular file ({type})");
        }
        return file;
    }

    /// <summary>What it is.</summary>
    public HostEntry Entry { get; } = new();

    /// <summary>Descriptor of a regular file for the system's copying calls, or -1.</summary>
    public virtual int Descriptor => -1;

    /// <summary>Reads bytes at <paramref name="offsetBytes"/>.</summary>
    /// <returns>Their number, less than asked for at the end of the file; an errno when it failed.</returns>
    public abstract IoResult Read(long offsetBytes, Span<byte> buffer);

    /// <summary>Finds the parts that hold data: all of it where the host does not tell. Parts begin at multiples of 512 bytes.</summary>
    public virtual void FindData(ICollection<DataRange> ranges)
    {
        ranges.Clear();
        if (Entry.SizeBytes > 0)
        {
            ranges.Add(new DataRange(0, Entry.SizeBytes));
        }
    }

    /// <summary>Fills <paramref name="target"/> with a symbolic link's target.</summary>
    /// <returns>Its length, <paramref name="target"/>'s when it may be longer.</returns>
    public abstract IoResult ReadLink(Span<byte> target);

    /// <summary>Adds the extended attributes to <paramref name="to"/>.</summary>
    public abstract Errno ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
