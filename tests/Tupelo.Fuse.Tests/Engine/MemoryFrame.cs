using System.Runtime.InteropServices;

namespace Tupelo.Fuse.Tests;

/// <summary>A request and its reply in plain memory: a transport without a kernel.</summary>
internal sealed unsafe class MemoryFrame : FuseFrame, IDisposable
{
    private const int Room = (1 << 20) + 8192;

    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(2 * Room);
    private readonly IoVec[] _vectors = GC.AllocateArray<IoVec>(2, pinned: true);
    private int _requestBytes;

    public override ReadOnlySpan<byte> Request => new(_memory, _requestBytes);

    public override Span<byte> Reply => new(_memory + Room, Room);

    /// <summary>The buffer that a request is written to.</summary>
    public Span<byte> RequestRoom => new(_memory, Room);

    public override ReadOnlySpan<IoVec> RequestData(int offsetBytes, int countBytes)
    {
        if (countBytes > _requestBytes - offsetBytes)
        {
            return default;
        }
        _vectors[0] = new IoVec(_memory + offsetBytes, (nuint)countBytes);
        return _vectors.AsSpan(0, 1);
    }

    public override ReadOnlySpan<IoVec> ReplyData(int countBytes)
    {
        _vectors[1] = new IoVec(_memory + Room + FuseOutHeader.Bytes, (nuint)countBytes);
        return _vectors.AsSpan(1, 1);
    }

    public void SetRequestBytes(int bytes) => _requestBytes = bytes;

    public void Dispose() => NativeMemory.Free(_memory);
}
