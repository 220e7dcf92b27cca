using System.Globalization;

namespace Tupelo.Vfs.Tests;

/// <summary>Vnodes of a tree that never changes: as many as are in use, and each name always there.</summary>
public sealed class ReadOnlyFileSystemTests : IDisposable
{
    private const int Files = 400;

    private readonly VfsKernel _kernel = new(new VfsOptions { CachedNames = 16 });
    private readonly FlatType _type = new();
    private readonly VfsContext _context;

    public ReadOnlyFileSystemTests()
    {
        Assert.Equal(Errno.None, _kernel.FileSystems.Register(_type));
        Assert.Equal(Errno.None, _kernel.Start("flat", "", MountFlags.ReadOnly, "", out VfsContext? first));
        _context = first!;
    }

    public void Dispose() => _context.Dispose();

    // Every vnode that was ever looked at stayed in memory until the end of the file system.
    [Fact]
    public void NamesThatLeaveTheCache_TakeTheirVnodesAlong()
    {
        var sys = new Syscalls(_context);
        Stat stat = default;
        for (int i = 0; i < Files; i++)
        {
            Assert.Equal(0, sys.Stat(Name(i), ref stat));
            Assert.Equal((ulong)i + 2, stat.Ino);
        }
        _kernel.TrimNames();
        Assert.Equal(1, _type.Made!.VnodeCount);
        int held = (int)sys.Open(Name(7), OpenFlags.ReadOnly);
        _kernel.TrimNames();
        Assert.Equal(2, _type.Made.VnodeCount);
        Assert.Equal(0, sys.Close(held));
    }

    // A vnode that was let go between the file system's answer and the core's use of it made a name vanish that is there.
    [Fact]
    public async Task NamesUnderPressure_AreNeverMissing()
    {
        DateTime end = DateTime.UtcNow + TimeSpan.FromMilliseconds(700);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            using VfsContext mine = _context.NewThread();
            var sys = new Syscalls(mine);
            var random = new Random(thread);
            Stat stat = default;
            while (DateTime.UtcNow < end)
            {
                // Few names, so that threads let go what others look up.
                int file = random.Next(24);
                Assert.Equal(0, sys.Stat(Name(file), ref stat));
                Assert.Equal((ulong)file + 2, stat.Ino);
                if (random.Next(20) == 0)
                {
                    _kernel.TrimNames();
                }
            }
        }))).WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static byte[] Name(int file) => System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/{file:D4}"));

    private sealed class FlatType : FileSystemType
    {
        public override string Name => "flat";

        public ReadOnlyFileSystem? Made { get; private set; }

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = Made = new ReadOnlyFileSystem(this, new FlatTree(), "flat");
            return Errno.None;
        }
    }

    // One directory; file i is node i + 1 and is called by its number.
    private sealed class FlatTree : ReadOnlyTree
    {
        public override int NodeCount => Files + 1;

        public override FileType TypeOf(int node) => node == 0 ? FileType.Directory : FileType.Regular;

        public override void GetAttributes(int node, out VnodeAttributes attributes) =>
            attributes = new VnodeAttributes { Permissions = 0x16D, LinkCount = node == 0 ? 2u : 1u };

        public override Errno Find(int directory, ReadOnlySpan<byte> name, out int child)
        {
            bool known = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int file) && file < Files;
            child = known ? file + 1 : 0;
            return known ? Errno.None : Errno.ENOENT;
        }

        public override Errno List(int directory, long cookie, ref DirectoryWriter writer) => Errno.None;

        public override int ParentOf(int directory) => 0;

        public override Errno ReadLink(int node, out ReadOnlyMemory<byte> target)
        {
            target = default;
            return Errno.EINVAL;
        }

        public override IoResult Read(int node, long offsetBytes, Span<byte> buffer) => Errno.EIO;

        public override void FillStatFs(ref StatFs stat) => stat.Type = 1;
    }
}
