namespace Tupelo.FileSystems;

/// <summary>
/// A descriptor of the host, counted: its owner has one reference, each call in progress one more, and the last one closes it.
/// So a descriptor that is given up while it is used stays open for that use, and its number is never somebody else's.
/// </summary>
internal sealed class HostDescriptor(int number)
{
    private int _references = 1;

    ~HostDescriptor()
    {
        if (_references > 0)
        {
            LinuxHost.CloseDescriptor(Number);
        }
    }

    /// <summary>Valid between TryAcquire and Release.</summary>
    public int Number { get; } = number;

    public bool TryAcquire()
    {
        while (true)
        {
            int references = Volatile.Read(ref _references);
            if (references == 0)
            {
                return false;
            }
            if (Interlocked.CompareExchange(ref _references, references + 1, references) == references)
            {
                return true;
            }
        }
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            LinuxHost.CloseDescriptor(Number);
        }
    }
}
