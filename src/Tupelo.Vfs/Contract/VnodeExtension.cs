namespace Tupelo.Vfs;

/// <summary>What only few vnodes have: locks, watches, the ring of a FIFO, a write-back error. Made on first use.</summary>
internal sealed class VnodeExtension
{
    // The last name and user are gone.
    internal void VnodeGone()
    {
    }
}
