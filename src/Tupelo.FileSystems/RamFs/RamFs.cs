// RamFs keeps files in memory: the reference model of the core's contract, and what Linux calls tmpfs. It does everything:
// sparse files, all modes of fallocate, hard links, extended attributes, temporary files, exchange, whiteouts, handles, limits.
//
// Mount options, as tmpfs: size=N[k|m|g|%], nr_blocks=N, nr_inodes=N, mode=OCTAL, uid=N, gid=N. 0 means no limit.
// Locks: the core's vnode locks guard files and directories; counters are interlocked; _handlesMu is rank Page.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Tupelo.Vfs;

namespace Tupelo.FileSystems;

/// <summary>"ramfs" in the registry of file system types.</summary>
public sealed class RamFsType : FileSystemType
{
    private readonly string _name;

    /// <param name="name">What mount(2) calls it: "ramfs", or "tmpfs" as a second registration.</param>
    public RamFsType(string name = "ramfs") => _name = name;

    public override string Name => _name;

    public override Errno Create(MountRequest request, [NotNullWhen(true)] out FileSystem? fileSystem)
    {
        fileSystem = null;
        Errno errno = RamFsOptions.Parse(request.Options, out RamFsOptions? options);
        if (errno != Errno.None)
        {
            return errno;
        }
        fileSystem = new RamFs(this, options!, request.IsReadOnly, request.Kernel.Clock.Now, request.Source);
        return Errno.None;
    }
}

/// <summary>Settings of a <see cref="RamFs"/>.</summary>
public sealed record RamFsOptions
{
    /// <summary>Most bytes of file content, rounded up to pages; 0: no limit. Default: half of the machine's memory.</summary>
    public long MaxBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Most files of any type; 0: no limit. Default: one for two pages of the machine's memory, as tmpfs.</summary>
    public long MaxFiles { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (2 * PagePool.PageBytes);

    /// <summary>Permissions of the root directory.</summary>
    public uint RootPermissions { get; init; } = 0x3FF; // 01777

    public uint RootUid { get; init; }

    public uint RootGid { get; init; }

    internal long MaxPages => MaxBytes == 0 ? long.MaxValue : (MaxBytes / PagePool.PageBytes) + (MaxBytes % PagePool.PageBytes == 0 ? 0 : 1);

    /// <summary>Reads mount(2)'s options. Errors: EINVAL unknown option or bad number.</summary>
    public static Errno Parse(string text, out RamFsOptions? options)
    {
        options = null;
        var parsed = new RamFsOptions();
        foreach (string option in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? string.Empty : option[(equals + 1)..];
            switch (equals < 0 ? option : option[..equals])
            {
                case "size" when TryParseSize(value, out long bytes):
                    parsed = parsed with { MaxBytes = bytes };
                    break;
                case "nr_blocks" when TryParseSize(value, out long blocks) && blocks <= long.MaxValue / PagePool.PageBytes:
                    parsed = parsed with { MaxBytes = blocks * PagePool.PageBytes };
                    break;
                case "nr_inodes" when TryParseSize(value, out long files):
                    parsed = parsed with { MaxFiles = files };
                    break;
                case "mode" when TryParseOctal(value, out uint mode):
                    parsed = parsed with { RootPermissions = mode };
                    break;
                case "uid" when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid):
                    parsed = parsed with { RootUid = uid };
                    break;
                case "gid" when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint gid):
                    parsed = parsed with { RootGid = gid };
                    break;
                default:
                    return Errno.EINVAL;
            }
        }
        options = parsed;
        return Errno.None;
    }

    private static bool TryParseSize(string text, out long size)
    {
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
        {
            digits++;
        }
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out size))
        {
            return false;
        }
        if (text.AsSpan(digits) is "%")
        {
            size = (long)((Int128)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * size / 100);
            return true;
        }
        int shift = text.AsSpan(digits) switch
        {
            "" => 0,
            "k" or "K" => 10,
            "m" or "M" => 20,
            "g" or "G" => 30,
            "t" or "T" => 40,
            _ => -1,
        };
        if (shift < 0 || size > long.MaxValue >> shift)
        {
            return false;
        }
        size <<= shift;
        return true;
    }

    private static bool TryParseOctal(string text, out uint mode)
    {
        mode = 0;
        foreach (char c in text)
        {
            if (c is < '0' or > '7' || mode > 0x1FF)
            {
                return false;
            }
            mode = (mode * 8) + (uint)(c - '0');
        }
        return text.Length > 0;
    }
}

/// <summary>A file system in memory.</summary>
public sealed class RamFs : FileSystem
{
    internal const FileSystemFeatures AllFeatures = FileSystemFeatures.AllNames | FileSystemFeatures.AllSpace | FileSystemFeatures.Xattrs
        | FileSystemFeatures.Handles | FileSystemFeatures.DirectIo | FileSystemFeatures.NoWait | FileSystemFeatures.InodeFlags
        | FileSystemFeatures.Seals | FileSystemFeatures.StatelessOpen;

    private const ulong Magic = 0x01021994; // TMPFS_MAGIC

    private static long s_lastGeneration;

    private readonly Lock _handlesMu = new();                           // Rank Page. Guards _handles.
    private readonly Dictionary<ulong, RamVnode> _handles = [];         // Files whose handle somebody asked for.
    private readonly string _source;
    private readonly RamDirectory _root;
    private RamFsOptions _options;
    private long _maxPages;
    private long _usedPages;
    private long _usedFiles;
    private long _lastIno;

    internal RamFs(FileSystemType type, RamFsOptions options, bool readOnly, Timespec now, string source)
        : base(type, AllFeatures, readOnly)
    {
        _options = options;
        _maxPages = options.MaxPages;
        _source = source;
        _usedFiles = 1;
        Generation = (ulong)Interlocked.Increment(ref s_lastGeneration);
        _root = new RamDirectory(
            this,
            NextIno(),
            new NewVnode { Type = FileType.Directory, Permissions = options.RootPermissions, Uid = options.RootUid, Gid = options.RootGid, Time = now },
            parent: null);
    }

    // Inode numbers are never reused, but begin anew in each instance: a handle of one must not open a file of another.
    internal ulong Generation { get; }

    public override Vnode Root => _root;

    public override string SourceName => _source.Length == 0 ? Type.Name : _source;

    public override string OptionsText
    {
        get
        {
            var parts = new List<string>();
            if (_options.MaxBytes != 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"size={_options.MaxPages * 4}k"));
            }
            if (_options.MaxFiles != 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"nr_inodes={_options.MaxFiles}"));
            }
            return string.Join(',', parts);
        }
    }

    internal PagePool Pages { get; } = new();

    /// <summary>Pages of content in use; zero when every file is gone.</summary>
    internal long UsedPages => Volatile.Read(ref _usedPages);

    internal long UsedFiles => Volatile.Read(ref _usedFiles);

    public override Errno StatFs(ref StatFs stat)
    {
        stat.Type = Magic;
        stat.BlockSizeBytes = PagePool.PageBytes;
        stat.FragmentSizeBytes = PagePool.PageBytes;
        if (_options.MaxBytes != 0)
        {
            stat.BlockCount = (ulong)_maxPages;
            stat.FreeBlocks = (ulong)Math.Max(0, _maxPages - UsedPages);
            stat.AvailableBlocks = stat.FreeBlocks;
        }
        if (_options.MaxFiles != 0)
        {
            stat.FileCount = (ulong)_options.MaxFiles;
            stat.FreeFiles = (ulong)Math.Max(0, _options.MaxFiles - UsedFiles);
        }
        return Errno.None;
    }

    // As tmpfs: limits may change, but not below what is in use.
    public override Errno Remount(bool readOnly, string options)
    {
        Errno errno = RamFsOptions.Parse(options, out RamFsOptions? parsed);
        if (errno != Errno.None)
        {
            return errno;
        }
        RamFsOptions changed = _options with
        {
            MaxBytes = options.Contains("size=", StringComparison.Ordinal) || options.Contains("nr_blocks=", StringComparison.Ordinal) ? parsed!.MaxBytes : _options.MaxBytes,
            MaxFiles = options.Contains("nr_inodes=", StringComparison.Ordinal) ? parsed!.MaxFiles : _options.MaxFiles,
        };
        if (changed.MaxPages < UsedPages || (changed.MaxFiles != 0 && changed.MaxFiles < UsedFiles))
        {
            return Errno.EINVAL;
        }
        _options = changed;
        Volatile.Write(ref _maxPages, changed.MaxPages);
        return Errno.None;
    }

    public override void HandleMade(Vnode vnode)
    {
        lock (_handlesMu)
        {
            _handles[vnode.Ino] = (RamVnode)vnode;
        }
    }

    public override Errno FindVnode(ulong ino, ulong generation, out Vnode? vnode)
    {
        lock (_handlesMu)
        {
            vnode = _handles.TryGetValue(ino, out RamVnode? found) && found.Generation == generation && !(found.IsDead && found.LinkCount == 0) ? found : null;
        }
        return vnode is null ? Errno.ESTALE : Errno.None;
    }

    public override void Shutdown() => Pages.Dispose();

    internal ulong NextIno() => (ulong)Interlocked.Increment(ref _lastIno);

    // ENOSPC beyond the limit of files. Undone by FileGone.
    internal Errno ReserveFile()
    {
        long files = Interlocked.Increment(ref _usedFiles);
        if (_options.MaxFiles != 0 && files > _options.MaxFiles)
        {
            _ = Interlocked.Decrement(ref _usedFiles);
            return Errno.ENOSPC;
        }
        return Errno.None;
    }

    internal void FileGone(RamVnode vnode)
    {
        _ = Interlocked.Decrement(ref _usedFiles);
        if (_handles.Count != 0)
        {
            lock (_handlesMu)
            {
                _ = _handles.Remove(vnode.Ino);
            }
        }
    }

    // Null when the limit of pages, or the machine's memory, is reached.
    internal unsafe byte* AllocatePage()
    {
        if (Interlocked.Increment(ref _usedPages) <= Volatile.Read(ref _maxPages))
        {
            byte* page = Pages.Allocate();
            if (page is not null)
            {
                return page;
            }
        }
        _ = Interlocked.Decrement(ref _usedPages);
        return null;
    }

    internal unsafe void FreePage(byte* page)
    {
        Pages.Free(page);
        _ = Interlocked.Decrement(ref _usedPages);
    }
}
