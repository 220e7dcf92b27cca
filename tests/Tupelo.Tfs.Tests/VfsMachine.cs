using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Tests;

/// <summary>A kernel with one file system as its root.</summary>
internal sealed class VfsMachine : IDisposable
{
    private readonly VfsContext _context;

    public VfsMachine(FileSystemType type, string source)
    {
        var kernel = new VfsKernel();
        Assert.Equal(Errno.None, kernel.FileSystems.Register(type));
        Assert.Equal(Errno.None, kernel.Start(type.Name, source, MountFlags.None, "", out VfsContext? context));
        _context = context!;
        Calls = new Syscalls(_context);
        _ = Calls.Umask(0);
    }

    public VfsMachine(BlockDevice device, bool readOnly = false)
        : this(device, new TfsMountOptions { FlushDelay = TimeSpan.Zero, ReadOnly = readOnly })
    {
    }

    public VfsMachine(BlockDevice device, TfsMountOptions options)
    {
        Volume = TfsFileSystem.Mount(device, options);
        var type = new MountedType(Volume);
        var kernel = new VfsKernel();
        Assert.Equal(Errno.None, kernel.FileSystems.Register(type));
        Assert.Equal(Errno.None, kernel.Start(type.Name, "memory", options.ReadOnly ? MountFlags.ReadOnly : MountFlags.None, "", out VfsContext? context));
        _context = context!;
        Calls = new Syscalls(_context);
        _ = Calls.Umask(0);
    }

    public Syscalls Calls { get; }

    public TfsFileSystem? Volume { get; }

    public Dictionary<int, int> Files { get; } = [];

    public void CloseFiles()
    {
        foreach (int fd in Files.Values)
        {
            _ = Calls.Close(fd);
        }
        Files.Clear();
    }

    public void Dispose()
    {
        CloseFiles();
        _context.Dispose();
    }

    public Dictionary<string, string> Tree()
    {
        var tree = new Dictionary<string, string>(StringComparer.Ordinal);
        var directories = new Stack<string>();
        directories.Push("/");
        tree["/"] = Describe("/");
        while (directories.TryPop(out string? directory))
        {
            int fd = (int)Calls.Open(Encoding.UTF8.GetBytes(directory), OpenFlags.Directory);
            Assert.True(fd >= 0, $"{directory}: {(Errno)(-fd)}");
            byte[] buffer = new byte[4096];
            for (long count = Calls.GetDents64(fd, buffer); count > 0; count = Calls.GetDents64(fd, buffer))
            {
                ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
                while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
                {
                    string name = Encoding.UTF8.GetString(record.Name);
                    if (name is "." or "..")
                    {
                        continue;
                    }
                    string path = directory == "/" ? "/" + name : directory + "/" + name;
                    Assert.True(tree.TryAdd(path, Describe(path)), $"{path} is listed twice");
                    if (record.Type == FileType.Directory)
                    {
                        directories.Push(path);
                    }
                }
            }
            _ = Calls.Close(fd);
        }
        return tree;
    }

    /// <summary>All bytes of a regular file.</summary>
    public byte[] ReadAll(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        Stat stat = default;
        Assert.Equal(0, Calls.LStat(bytes, ref stat));
        int fd = (int)Calls.Open(bytes, OpenFlags.ReadOnly);
        byte[] data = new byte[stat.SizeBytes];
        Assert.Equal(stat.SizeBytes, data.Length == 0 ? 0 : Calls.PRead(fd, data, 0));
        _ = Calls.Close(fd);
        return data;
    }

    private string Describe(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        Stat stat = default;
        Assert.Equal(0, Calls.LStat(bytes, ref stat));
        string content = "";
        if (stat.Type == FileType.Regular)
        {
            int fd = (int)Calls.Open(bytes, OpenFlags.ReadOnly);
            byte[] data = new byte[stat.SizeBytes + 1];
            long count = Calls.PRead(fd, data, 0);
            Assert.Equal(stat.SizeBytes, count);
            content = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(data.AsSpan(0, (int)count)))[..16];
            _ = Calls.Close(fd);
        }
        else if (stat.Type == FileType.Symlink)
        {
            byte[] target = new byte[4096];
            content = Encoding.UTF8.GetString(target.AsSpan(0, (int)Calls.ReadLinkAt(AtFd.CurrentDirectory, bytes, target)));
        }
        byte[] names = new byte[65536];
        long length = Calls.ListXattrAt(AtFd.CurrentDirectory, bytes, AtFlags.SymlinkNoFollow, names);
        string xattrs = length <= 0 ? "" : string.Join(',', Encoding.UTF8.GetString(names.AsSpan(0, (int)length)).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        return string.Create(CultureInfo.InvariantCulture,
            $"{stat.Mode:X} {stat.Uid}:{stat.Gid} n{stat.LinkCount} {(stat.Type == FileType.Directory ? 0 : stat.SizeBytes)} {stat.RawDevice:X} {content} {xattrs}");
    }

    /// <summary>Hands out a volume that is mounted already.</summary>
    private sealed class MountedType(TfsFileSystem volume) : FileSystemType
    {
        public override string Name => "tfs";

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = volume;
            return Errno.None;
        }
    }
}
