using System.Runtime.InteropServices;

namespace Tupelo.Images.Extraction;

/// <summary>A name with the zero byte that system calls want, in memory that does not move. Short: names and link targets.</summary>
internal readonly unsafe ref struct NameBuffer
{
    public NameBuffer(ReadOnlySpan<byte> name)
    {
        Pointer = (byte*)NativeMemory.Alloc((nuint)name.Length + 1);
        name.CopyTo(new Span<byte>(Pointer, name.Length));
        Pointer[name.Length] = 0;
    }

    public byte* Pointer { get; }

    public void Dispose() => NativeMemory.Free(Pointer);
}
