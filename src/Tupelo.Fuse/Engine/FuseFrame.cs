// A FuseFrame is one request's memory and the room for its reply, as a transport has them: two buffers of a worker thread
// (/dev/fuse), or pieces of a guest's memory (virtio-fs). The engine reads and writes through it and knows nothing else of the way.
namespace Tupelo.Fuse;

/// <summary>The bytes of one request and of its reply. Belongs to one thread while a request is handled.</summary>
public abstract class FuseFrame
{
    /// <summary>The request from its header on; what a WRITE carries may be missing here.</summary>
    public abstract ReadOnlySpan<byte> Request { get; }

    /// <summary>Room for a reply that is built in place, header included.</summary>
    public abstract Span<byte> Reply { get; }

    /// <summary>The request's bytes from an offset on, where they lie: what a WRITE carries.</summary>
    public abstract ReadOnlySpan<IoVec> RequestData(int offsetBytes, int countBytes);

    /// <summary>Room behind the reply's header for what a READ brings; shorter when the transport has less.</summary>
    public abstract ReadOnlySpan<IoVec> ReplyData(int countBytes);
}
