namespace Tupelo;

/// <summary>What is known of one file, directory or link at one moment: a value, not a door to it.</summary>
public readonly struct FileEntry : IEquatable<FileEntry>
{
    private readonly Stat _stat;
    private readonly string _directory;

    internal FileEntry(string directory, string name, in Stat stat)
    {
        _directory = directory;
        Name = name;
        _stat = stat;
    }

    /// <summary>Last name of the path; "" for the root. A name that is not UTF-8 has U+FFFD for what cannot be shown.</summary>
    public string Name { get; }

    /// <summary>Where it was found, as the caller named it; made anew each time it is asked for.</summary>
    public string Path => _directory.Length == 0 ? Name : _directory[^1] == '/' ? _directory + Name : _directory + "/" + Name;

    /// <summary>File, directory, symbolic link ...</summary>
    public FileType Type => _stat.Type;

    /// <summary>Whether it is a directory. A symbolic link to one is not.</summary>
    public bool IsDirectory => _stat.Type == FileType.Directory;

    /// <summary>Whether it is a regular file.</summary>
    public bool IsFile => _stat.Type == FileType.Regular;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsSymbolicLink => _stat.Type == FileType.Symlink;

    /// <summary>Length in bytes; of a link, of its target.</summary>
    public long Length => _stat.SizeBytes;

    /// <summary>Bytes that it takes on the volume: less than its length when it has holes.</summary>
    public long AllocatedLength => _stat.Blocks512 * 512;

    /// <summary>Number of the file: the same for all its names.</summary>
    public ulong Id => _stat.Ino;

    /// <summary>How many names it has.</summary>
    public int LinkCount => (int)Math.Min(_stat.LinkCount, int.MaxValue);

    /// <summary>Permissions.</summary>
    public UnixFileMode Mode => (UnixFileMode)(_stat.Mode & Tupelo.Mode.PermissionMask);

    /// <summary>Owner and group.</summary>
    public (uint User, uint Group) Owner => (_stat.Uid, _stat.Gid);

    /// <summary>When its content changed last. .NET's times have 100 ns; <see cref="Stat"/> has nanoseconds.</summary>
    public DateTimeOffset LastWriteTime => _stat.ModifyTime.ToDateTimeOffset();

    /// <summary>When it was read last, as far as that is kept.</summary>
    public DateTimeOffset LastAccessTime => _stat.AccessTime.ToDateTimeOffset();

    /// <summary>When its attributes changed last.</summary>
    public DateTimeOffset ChangeTime => _stat.ChangeTime.ToDateTimeOffset();

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreationTime => _stat.BirthTime.ToDateTimeOffset();

    /// <summary>All of it, as stat(2) tells.</summary>
    public Stat Stat => _stat;

    public bool Equals(FileEntry other) => Id == other.Id && _stat.Device == other._stat.Device
        && string.Equals(Name, other.Name, StringComparison.Ordinal) && string.Equals(_directory, other._directory, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is FileEntry other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Id, Name);

    public static bool operator ==(FileEntry left, FileEntry right) => left.Equals(right);

    public static bool operator !=(FileEntry left, FileEntry right) => !left.Equals(right);

    public override string ToString() => Path;
}
