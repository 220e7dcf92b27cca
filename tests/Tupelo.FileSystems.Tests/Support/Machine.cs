using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>A kernel with a ramfs root and all types of this assembly, and calls by paths as text. Disposing checks that nothing leaked.</summary>
internal sealed class Machine : IDisposable
{
    private readonly List<string> _mounted = [];

    public Machine()
    {
        Sources = new ImageSources { Report = Reports.Add };
        foreach (FileSystemType type in new FileSystemType[]
        {
            new RamFsType(), new RoFsFileSystemType(Sources), new CpioFileSystemType(Sources), new TarFileSystemType(Sources), new HostFileSystemType(),
        })
        {
            Assert.Equal(Errno.None, Kernel.FileSystems.Register(type));
        }
        Assert.Equal(Errno.None, Kernel.Start("ramfs", "ramfs", MountFlags.None, string.Empty, out VfsContext? context));
        Context = context!;
        Sys = new Syscalls(Context);
    }

    public VfsKernel Kernel { get; } = new();

    public VfsContext Context { get; }

    public Syscalls Sys { get; }

    public ImageSources Sources { get; }

    /// <summary>What could not be mounted, and why.</summary>
    public List<string> Reports { get; } = [];

    public static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    public Errno TryMount(string type, string source, string target, MountFlags flags = 0, string options = "")
    {
        _ = Sys.MkDirAt(AtFd.CurrentDirectory, B(target), 0x1ED);
        Errno errno = ErrnoOf(Sys.Mount(B(source), B(target), B(type), flags, B(options)));
        if (errno == Errno.None)
        {
            _mounted.Add(target);
        }
        return errno;
    }

    public void Mount(string type, string source, string target, MountFlags flags = 0, string options = "") =>
        Assert.True(TryMount(type, source, target, flags, options) is var errno && errno == Errno.None, $"{errno}: {string.Join("; ", Reports)}");

    public static Errno ErrnoOf(long result) => result < 0 ? (Errno)(-result) : Errno.None;

    public int Open(string path, OpenFlags flags = OpenFlags.ReadOnly, uint mode = 0x1A4)
    {
        long fd = Sys.Open(B(path), flags, mode);
        Assert.True(fd >= 0, $"open {path}: {ErrnoOf(fd)}");
        return (int)fd;
    }

    public Errno TryOpen(string path, OpenFlags flags = OpenFlags.ReadOnly, uint mode = 0x1A4)
    {
        long fd = Sys.Open(B(path), flags, mode);
        if (fd >= 0)
        {
            _ = Sys.Close((int)fd);
        }
        return ErrnoOf(fd);
    }

    public void Write(string path, string text, OpenFlags flags = OpenFlags.Create | OpenFlags.Truncate)
    {
        int fd = Open(path, flags | OpenFlags.WriteOnly);
        Assert.Equal(B(text).Length, Sys.Write(fd, B(text)));
        Assert.Equal(0, Sys.Close(fd));
    }

    public string Read(string path)
    {
        int fd = Open(path);
        var text = new MemoryStream();
        byte[] buffer = new byte[1000];
        long count;
        while ((count = Sys.Read(fd, buffer)) > 0)
        {
            text.Write(buffer, 0, (int)count);
        }
        Assert.Equal(0, count);
        Assert.Equal(0, Sys.Close(fd));
        return Encoding.UTF8.GetString(text.ToArray());
    }

    public Stat Stat(string path, bool follow = true)
    {
        Stat stat = default;
        Assert.Equal(Errno.None, ErrnoOf(follow ? Sys.Stat(B(path), ref stat) : Sys.LStat(B(path), ref stat)));
        return stat;
    }

    public Errno TryStat(string path)
    {
        Stat stat = default;
        return ErrnoOf(Sys.LStat(B(path), ref stat));
    }

    public string ReadLink(string path)
    {
        byte[] target = new byte[4096];
        long length = Sys.ReadLinkAt(AtFd.CurrentDirectory, B(path), target);
        Assert.True(length > 0, $"readlink {path}: {ErrnoOf(length)}");
        return Encoding.UTF8.GetString(target, 0, (int)length);
    }

    public List<string> List(string path)
    {
        int fd = Open(path, OpenFlags.Directory);
        var names = new List<string>();
        byte[] buffer = new byte[600];
        while (true)
        {
            long count = Sys.GetDents64(fd, buffer);
            Assert.True(count >= 0, $"{ErrnoOf(count)}");
            if (count == 0)
            {
                break;
            }
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                names.Add(Encoding.UTF8.GetString(record.Name));
            }
        }
        Assert.Equal(0, Sys.Close(fd));
        names.Sort(StringComparer.Ordinal);
        Assert.Equal(".", names[0]);
        Assert.Equal("..", names[1]);
        return names[2..];
    }

    public void Dispose()
    {
        foreach (string target in Enumerable.Reverse(_mounted))
        {
            _ = Sys.Umount2(B(target), UnmountFlags.Detach);
        }
        Context.Dispose();
        Assert.Equal(0, Kernel.Statistics.OpenFiles);
        Assert.Equal(0, Kernel.Statistics.Mounts);
        Assert.Equal(0, Kernel.Statistics.Contexts);
    }
}
