// A FUSE client without a kernel: makes requests as the kernel does, gives them to an engine, and takes the replies apart.
using System.Runtime.InteropServices;
using System.Text;
using Tupelo.FileSystems;
using Tupelo.Vfs;

namespace Tupelo.Fuse.Tests;

internal sealed class EngineClient : IDisposable
{
    private readonly VfsContext _context;
    private readonly FuseWorker _worker;
    private ulong _unique;

    public EngineClient(FuseOptions? options = null, VfsContext? context = null, FuseInitFlags capable = (FuseInitFlags)ulong.MaxValue, uint minor = 45)
    {
        _context = context ?? ServedMount.Start(new RamFsType(), "ramfs", null);
        Engine = new FuseEngine(_context, options);
        _worker = Engine.AddWorker();
        InitResult = Send(FuseOpcode.Init, 0, Bytes(new FuseInitIn
        {
            Major = 7,
            Minor = minor,
            MaxReadAhead = 131072,
            Flags = (uint)capable,
            Flags2 = (uint)((ulong)capable >> 32),
        }));
        InitReply = InitResult == Errno.None ? Take<FuseInitOut>() : default;
    }

    public FuseEngine Engine { get; }

    public MemoryFrame Frame { get; } = new();

    public Errno InitResult { get; }

    public FuseInitOut InitReply { get; }

    /// <summary>Whose requests follow.</summary>
    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public uint Pid { get; set; }

    /// <summary>Sent with every request: extensions, a multiple of 8 bytes.</summary>
    public byte[] Extensions { get; set; } = [];

    /// <summary>The reply's body.</summary>
    public byte[] Reply { get; private set; } = [];

    /// <summary>True when the last request was answered at all.</summary>
    public bool WasAnswered { get; private set; }

    public static byte[] Bytes<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    public static byte[] Name(string name) => [.. Encoding.UTF8.GetBytes(name), 0];

    /// <summary>Sends a request of these parts.</summary>
    public Errno Send(FuseOpcode opcode, ulong node, params byte[][] parts)
    {
        Prepare(opcode, node, parts);
        return Repeat();
    }

    /// <summary>Lays a request into the frame, for <see cref="Run"/>.</summary>
    public void Prepare(FuseOpcode opcode, ulong node, params byte[][] parts)
    {
        int length = FuseInHeader.Bytes;
        foreach (byte[] part in parts.Append(Extensions))
        {
            part.CopyTo(Frame.RequestRoom[length..]);
            length += part.Length;
        }
        MemoryMarshal.Write(Frame.RequestRoom, new FuseInHeader
        {
            Length = (uint)length,
            Opcode = opcode,
            Unique = ++_unique,
            NodeId = node,
            Uid = Uid,
            Gid = Gid,
            Pid = Pid,
            ExtensionLength8 = (ushort)(Extensions.Length / 8),
        });
        Frame.SetRequestBytes(length);
    }

    /// <summary>Has the prepared request carried out; nothing is allocated here.</summary>
    public int Run() => Engine.Handle(_worker, Frame);

    /// <summary>The reply's structure.</summary>
    public T Take<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Reply);

    public FuseEntryOut Lookup(ulong node, string name)
    {
        Assert.Equal(Errno.None, Send(FuseOpcode.Lookup, node, Name(name)));
        return Take<FuseEntryOut>();
    }

    public FuseEntryOut Make(ulong node, string name, uint mode = Mode.Regular | 0x1A4)
    {
        Assert.Equal(Errno.None, Send(FuseOpcode.MkNod, node, Bytes(new FuseMkNodIn { Mode = mode }), Name(name)));
        return Take<FuseEntryOut>();
    }

    public Errno Write(ulong node, ulong offset, byte[] data) =>
        Send(FuseOpcode.Write, node, Bytes(new FuseWriteIn { Offset = offset, Size = (uint)data.Length }), data);

    public void Forget(ulong node, ulong lookups)
    {
        Send(FuseOpcode.Forget, node, Bytes(lookups));
        Assert.False(WasAnswered);
    }

    public void Dispose()
    {
        Engine.Dispose();
        _context.Dispose();
        Assert.Equal(0, _context.Kernel.Statistics.OpenFiles);
        Frame.Dispose();
    }

    private Errno Repeat()
    {
        int length = Run();
        WasAnswered = length > 0;
        if (!WasAnswered)
        {
            Reply = [];
            return Errno.None;
        }
        FuseOutHeader header = MemoryMarshal.Read<FuseOutHeader>(Frame.Reply);
        Assert.Equal((uint)length, header.Length);
        Assert.Equal(_unique, header.Unique);
        Assert.True(header.Error <= 0);
        Assert.True(header.Error == 0 || length == FuseOutHeader.Bytes);
        Reply = Frame.Reply[FuseOutHeader.Bytes..length].ToArray();
        return (Errno)(-header.Error);
    }
}
