// A FuseCall is one request while it is carried out: header, body, the node it names, and the reply so far. Lives on the stack.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

internal ref struct FuseCall
{
    internal readonly FuseWorker Worker;
    internal readonly FuseFrame Frame;
    internal readonly FuseInHeader Header;

    /// <summary>What follows the header, without extensions.</summary>
    internal ReadOnlySpan<byte> Body;
    internal readonly ReadOnlySpan<byte> Extensions;

    /// <summary>The node of the header; null where a request names none.</summary>
    internal FuseNode? Node;

    /// <summary>Bytes of the reply behind its header.</summary>
    internal int ReplyBytes;

    private readonly Span<byte> _reply;

    internal FuseCall(FuseWorker worker, FuseFrame frame, in FuseInHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> extensions)
    {
        Worker = worker;
        Frame = frame;
        Header = header;
        Body = body;
        Extensions = extensions;
        _reply = frame.Reply[FuseOutHeader.Bytes..];
    }

    internal readonly NodeCalls Calls => Worker.Calls;

    internal readonly PathRef Place => Node!.Place;

    /// <summary>Room for the reply's body.</summary>
    internal readonly Span<byte> ReplyRoom => _reply;

    /// <summary>Takes a structure off the body's front; one that is cut short fails the request.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTake<T>(out T value)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(Body, out value))
        {
            return false;
        }
        Body = Body[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>Takes a name with its NUL off the body's front.</summary>
    internal bool TryTakeName(out ReadOnlySpan<byte> name)
    {
        int length = Body.IndexOf((byte)0);
        if (length < 0)
        {
            name = default;
            return false;
        }
        name = Body[..length];
        Body = Body[(length + 1)..];
        return true;
    }

    /// <summary>Adds a structure of zeros to the reply, to be filled in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref T Add<T>()
        where T : unmanaged
    {
        Span<byte> room = _reply.Slice(ReplyBytes, Unsafe.SizeOf<T>());
        room.Clear();
        ReplyBytes += room.Length;
        return ref Unsafe.As<byte, T>(ref MemoryMarshal.GetReference(room));
    }
}
