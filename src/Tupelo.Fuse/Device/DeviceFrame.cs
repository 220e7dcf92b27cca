// The buffers of one serving thread: what /dev/fuse gives, and what goes back. Both are native memory, laid out so that the data
// of a WRITE and of a READ begin at a page boundary: copies of whole pages run fastest so, and direct I/O may use them as they are.
using System.Runtime.InteropServices;

namespace Tupelo.Fuse;

internal sealed unsafe class DeviceFrame : FuseFrame, IDisposable
{
    private const int PageBytes = 4096;
    private const int WriteHeadBytes = 80; // FuseInHeader and FuseWriteIn.

    private readonly int _requestRoom;
    private readonly int _replyRoom;
    private byte* _memory;
    private byte* _request;
    private byte* _reply;
    private IoVec* _vectors; // Request, reply.
    private int _requestBytes;

    internal DeviceFrame(int maxIoBytes)
    {
        _requestRoom = maxIoBytes + FuseEngine.MaxHeadBytes;
        _replyRoom = FuseOutHeader.Bytes + Math.Max(maxIoBytes, (64 << 10) + PageBytes);
        int requestPages = (_requestRoom / PageBytes) + 2;
        int replyPages = (_replyRoom / PageBytes) + 2;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)((requestPages + replyPages + 1) * PageBytes), PageBytes);
        _request = _memory + PageBytes - WriteHeadBytes;
        _reply = _memory + (requestPages * PageBytes) + PageBytes - FuseOutHeader.Bytes;
        _vectors = (IoVec*)(_memory + ((requestPages + replyPages) * PageBytes));
    }

    internal byte* RequestMemory => _request;

    internal nuint RequestRoom => (nuint)_requestRoom;

    internal byte* ReplyMemory => _reply;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Request => new(_request, _requestBytes);

    /// <inheritdoc/>
    public override Span<byte> Reply => new(_reply, _replyRoom);

    /// <inheritdoc/>
    public override ReadOnlySpan<IoVec> RequestData(int offsetBytes, int countBytes)
    {
        if (countBytes > _requestBytes - offsetBytes)
        {
            return default;
        }
        _vectors[0] = new IoVec(_request + offsetBytes, (nuint)countBytes);
        return new ReadOnlySpan<IoVec>(_vectors, 1);
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<IoVec> ReplyData(int countBytes)
    {
        _vectors[1] = new IoVec(_reply + FuseOutHeader.Bytes, (nuint)Math.Min(countBytes, _replyRoom - FuseOutHeader.Bytes));
        return new ReadOnlySpan<IoVec>(_vectors + 1, 1);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = _request = _reply = null;
        _vectors = null;
        _requestBytes = 0;
    }

    internal void SetRequest(int bytes) => _requestBytes = bytes;
}
