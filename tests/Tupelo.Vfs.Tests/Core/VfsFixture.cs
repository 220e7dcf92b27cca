// What the tests of the core share: a kernel with RamFs at its root, a process in it, and the proof at the end of each test that
// nothing is left behind: no open file, no mount, no context, no page.
using System.Text;
using Tupelo.FileSystems;

namespace Tupelo.Vfs.Tests;

public abstract class VfsFixture : IDisposable
{
    protected VfsFixture()
        : this(new VfsOptions())
    {
    }

    protected VfsFixture(VfsOptions options)
    {
        Kernel = new VfsKernel(options);
        Assert.Equal(Errno.None, Kernel.FileSystems.Register(new RamFsType()));
        Assert.Equal(Errno.None, Kernel.FileSystems.Register(new RamFsType("tmpfs")));
        Assert.Equal(Errno.None, Kernel.Start("ramfs", "", MountFlags.None, "mode=755", out VfsContext? first));
        Root = first!;
        Sys = new Syscalls(Root);
    }

    protected VfsKernel Kernel { get; }

    /// <summary>The first process: uid 0.</summary>
    protected VfsContext Root { get; }

    protected Syscalls Sys { get; }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        Owned.Dispose();
        Root.Dispose();
        Assert.Equal(0, Kernel.Statistics.Contexts);
        Assert.Equal(0, Kernel.Statistics.OpenFiles);
        Assert.Equal(0, Kernel.Statistics.Mounts);
        foreach (FileSystemType type in Kernel.FileSystems.Types)
        {
            Assert.Equal(0, type.InstanceCount);
        }
    }

    /// <summary>UTF-8 bytes.</summary>
    protected static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Asserts success and gives the value.</summary>
    protected static long Ok(long result)
    {
        Assert.True(result >= 0, $"failed with {(Errno)(-result)}");
        return result;
    }

    /// <summary>Asserts a failure.</summary>
    protected static void Fails(Errno errno, long result) => Assert.Equal(errno, result < 0 ? (Errno)(-result) : Errno.None);

    /// <summary>A process with other ids.</summary>
    protected Syscalls As(uint uid, uint gid = 65534, params uint[] groups)
    {
        VfsContext context = Root.Fork();
        context.Credentials = new Credentials(uid, gid, groups);
        Owned.Add(context);
        return new Syscalls(context);
    }

    /// <summary>Contexts that end with the test.</summary>
    protected DisposeList Owned { get; } = new();

    protected int Open(string path, OpenFlags flags = OpenFlags.ReadOnly, uint mode = 0x1A4) => (int)Ok(Sys.Open(B(path), flags, mode));

    protected void Close(int fd) => Ok(Sys.Close(fd));

    protected void MkDir(string path, uint mode = 0x1ED) => Ok(Sys.MkDirAt(AtFd.CurrentDirectory, B(path), mode));

    protected void WriteFile(string path, string content)
    {
        int fd = Open(path, OpenFlags.Create | OpenFlags.WriteOnly | OpenFlags.Truncate);
        Assert.Equal(content.Length, Ok(Sys.Write(fd, B(content))));
        Close(fd);
    }

    protected string ReadFile(string path)
    {
        int fd = Open(path);
        byte[] buffer = new byte[65536];
        long count = Ok(Sys.Read(fd, buffer));
        Close(fd);
        return Encoding.UTF8.GetString(buffer, 0, (int)count);
    }

    protected Stat StatOf(string path)
    {
        Stat stat = default;
        Ok(Sys.LStat(B(path), ref stat));
        return stat;
    }

    protected bool Exists(string path)
    {
        Stat stat = default;
        return Sys.LStat(B(path), ref stat) == 0;
    }

    protected void Symlink(string target, string path) => Ok(Sys.SymlinkAt(B(target), AtFd.CurrentDirectory, B(path)));

    protected long Unlink(string path) => Sys.UnlinkAt(AtFd.CurrentDirectory, B(path));

    protected long RmDir(string path) => Sys.UnlinkAt(AtFd.CurrentDirectory, B(path), AtFlags.RemoveDirectory);

    protected long Rename(string from, string to, RenameFlags flags = RenameFlags.None) =>
        Sys.RenameAt2(AtFd.CurrentDirectory, B(from), AtFd.CurrentDirectory, B(to), flags);

    protected long Mount(string type, string target, MountFlags flags = MountFlags.None, string source = "none", string data = "") =>
        Sys.Mount(B(source), B(target), B(type), flags, B(data));

    /// <summary>Names in a directory, in order, without "." and "..".</summary>
    protected List<string> List(string path, int bufferBytes = 4096)
    {
        int fd = Open(path, OpenFlags.Directory);
        List<string> names = ListFd(fd, bufferBytes);
        Close(fd);
        return names;
    }

    protected List<string> ListFd(int fd, int bufferBytes = 4096)
    {
        var names = new List<string>();
        byte[] buffer = new byte[bufferBytes];
        while (true)
        {
            long count = Ok(Sys.GetDents64(fd, buffer));
            if (count == 0)
            {
                return names;
            }
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                string name = Encoding.UTF8.GetString(record.Name);
                if (name is not ("." or ".."))
                {
                    names.Add(name);
                }
            }
        }
    }

    protected sealed class DisposeList : IDisposable
    {
        private readonly List<IDisposable> _items = [];

        public void Add(IDisposable item) => _items.Add(item);

        public void Dispose()
        {
            foreach (IDisposable item in _items)
            {
                item.Dispose();
            }
            _items.Clear();
        }
    }
}
