namespace Tupelo.Vfs;

/// <summary>Takes and leaves an open file's position lock (rank Position).</summary>
internal static class PositionLock
{
    internal static void Enter(OpenFile file)
    {
        LockRanks.Wanted(LockRank.Position, file);
        file.PositionLock.EnterWrite((ulong)file.Serial);
        LockRanks.Got();
    }

    internal static void Exit(OpenFile file)
    {
        file.PositionLock.ExitWrite((ulong)file.Serial);
        LockRanks.Released(LockRank.Position, file);
    }

    // Two positions (copies with implicit offsets): by serial number.
    internal static void EnterTwo(OpenFile first, OpenFile second)
    {
        if (ReferenceEquals(first, second))
        {
            Enter(first);
            return;
        }
        Enter(first.Serial < second.Serial ? first : second);
        Enter(first.Serial < second.Serial ? second : first);
    }

    internal static void ExitTwo(OpenFile first, OpenFile second)
    {
        Exit(first);
        if (!ReferenceEquals(first, second))
        {
            Exit(second);
        }
    }
}
