// HostDirectory and HostFile by System.IO, for systems whose own calls are not known here. What the framework does not tell is left
// out: hard links are separate files, holes are read as zeros, extended attributes and device nodes do not exist.
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tupelo.Tfs;

namespace Tupelo.Images;

internal sealed class PortableHostDirectory : HostDirectory
{
    private readonly (byte[] Name, FileSystemInfo Info)[] _entries;
    private PortableHostFile? _file;

    public PortableHostDirectory(string path)
    {
        try
        {
            DirectoryInfo directory = new(path);
            PortableHostFile.Fill(Self, directory);
            if (!directory.Exists)
            {
                throw new ImageException($"cannot read the directory {path}", Errno.ENOENT);
            }
            _entries = [.. directory.EnumerateFileSystemInfos().Select(info => (Encoding.UTF8.GetBytes(info.Name), info))];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ImageException))
        {
            throw new ImageException($"cannot list the directory {path}: {e.Message}", e);
        }
        Array.Sort(_entries, (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
    }

    public override int Count => _entries.Length;

    public override ReadOnlySpan<byte> NameAt(int index) => _entries[index].Name;

    public override bool IsDirectory(int index) => _entries[index].Info is DirectoryInfo { LinkTarget: null };

    public override long DataBytesOf(int index) => _entries[index].Info is FileInfo { LinkTarget: null, Exists: true } file ? file.Length : 0;

    public override HostDirectory OpenDirectory(int index) => new PortableHostDirectory(_entries[index].Info.FullName);

    public override HostFile OpenFile(int index)
    {
        _file?.Dispose();
        return _file = new PortableHostFile(_entries[index].Info);
    }

    public override void ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to)
    {
    }

    protected override void Dispose(bool disposing)
    {
        _file?.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class PortableHostFile : HostFile
{
    private readonly SafeFileHandle? _handle;
    private readonly string? _target;

    public PortableHostFile(string path)
        : this(new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)! : new FileInfo(path))
    {
    }

    public PortableHostFile(FileSystemInfo info)
    {
        try
        {
            Fill(Entry, info);
            _target = info.LinkTarget;
            if (Entry.Type == FileType.Regular)
            {
                _handle = File.OpenHandle(info.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                Entry.SizeBytes = RandomAccess.GetLength(_handle);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"cannot read {info.FullName}: {e.Message}", e);
        }
    }

    public override IoResult Read(long offsetBytes, Span<byte> buffer)
    {
        try
        {
            int done = 0;
            while (done < buffer.Length && RandomAccess.Read(_handle!, buffer[done..], offsetBytes + done) is > 0 and var count)
            {
                done += count;
            }
            return IoResult.Bytes(done);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Errno.EIO;
        }
    }

    public override IoResult ReadLink(Span<byte> target) =>
        _target is null || !Encoding.UTF8.TryGetBytes(_target, target, out int length) ? Errno.EINVAL : IoResult.Bytes(length);

    public override Errno ReadXattrs(ICollection<KeyValuePair<AttributeName, TfsLiteral>> to) => Errno.None;

    internal static void Fill(HostEntry entry, FileSystemInfo info)
    {
        entry.Type = info switch
        {
            { LinkTarget: not null } => FileType.Symlink,
            DirectoryInfo => FileType.Directory,
            _ => FileType.Regular,
        };
        entry.HasOwner = !OperatingSystem.IsWindows();
        entry.Mode = Mode.OfType(entry.Type) | (entry.HasOwner ? (uint)info.UnixFileMode : 0);
        entry.SizeBytes = info is FileInfo { Exists: true } file ? file.Length : 0;
        entry.Blocks512 = -1;
        entry.LinkCount = 1;
        entry.ModifyTime = Timespec.FromDateTimeOffset(new DateTimeOffset(info.LastWriteTimeUtc));
        entry.AccessTime = Timespec.FromDateTimeOffset(new DateTimeOffset(info.LastAccessTimeUtc));
    }

    protected override void Dispose(bool disposing)
    {
        _handle?.Dispose();
        base.Dispose(disposing);
    }
}
