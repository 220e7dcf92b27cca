// The sequential model of a few names in three directories, d0 to d2: d1 and d2 lie in it themselves, may be moved into each other,
// exchanged and removed, and every caller holds all three open.
//
// What is one step, and what is not, follows Linux:
// - create, mkdir, unlink, rmdir, rename, stat of one name and stat of "..": one step.
// - link: two steps. The old name is looked up first; the file found gets its new name later, whatever became of the old one.
// - getdents64: one step per name, in no order. Each name was listed, or not, truly at some moment within the call: what was there
//   throughout is listed, what was never there is not, and a name that moves during the call may be seen at both places or at none.
//   That a name is never listed twice is asserted by the recorder. Linux and Tupelo do more when the buffer is large; nobody may rely on it.
// - Link counts change a little before or after the name does, so they are compared only when everything is quiet.
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>What lies under each name, and the files that half-done links have found.</summary>
/// <param name="Slots">A byte per directory and name: the object, or 0.</param>
/// <param name="Resolved">A byte per thread.</param>
public readonly record struct NamespaceState(UInt128 Slots, ulong Resolved)
{
    internal byte At(int slot) => (byte)(Slots >> (slot * 8));

    internal NamespaceState With(int slot, byte id) => this with { Slots = (Slots & ~((UInt128)0xFF << (slot * 8))) | ((UInt128)id << (slot * 8)) };

    internal byte ResolvedOf(int thread) => (byte)(Resolved >> (thread * 8));

    internal NamespaceState WithResolved(int thread, byte id) => this with { Resolved = (Resolved & ~(0xFFUL << (thread * 8))) | ((ulong)id << (thread * 8)) };
}

/// <summary>The steps of one history and what they do.</summary>
public sealed class NamespaceModel : ISequentialModel<NamespaceState>
{
    public const int Directories = 3;
    public const int Names = 4;
    public const int MaxThreads = 8;

    /// <summary>d1 and d2 are the objects 1 and 2; d0 lies outside and is told by this number.</summary>
    public const byte RootId = 0xFF;

    /// <summary>The first number for a new object.</summary>
    public const byte FirstNewId = 8;

    private const byte NothingFound = 0xFE;
    private const int WholeCall = -1;

    private readonly List<Step> _steps = [];
    private readonly List<(NamespaceCall Call, int Part)> _parts = [];
    private readonly bool[] _isDirectory = new bool[256];

    public NamespaceModel(IEnumerable<NamespaceCall> calls)
    {
        _isDirectory[1] = true;
        _isDirectory[2] = true;
        foreach (NamespaceCall call in calls)
        {
            if (call.Kind == NamespaceCallKind.MakeDirectory)
            {
                _isDirectory[call.NewId] = true;
            }
            Add(call);
        }
    }

    public IReadOnlyList<Step> Steps => _steps;

    public static int Slot(int directory, int name) => (directory * Names) + name;

    /// <summary>The call that a step belongs to.</summary>
    public NamespaceCall CallOf(int step) => _parts[step].Call;

    public bool TryApply(int step, ref NamespaceState state)
    {
        (NamespaceCall call, int part) = _parts[step];
        return call.Kind switch
        {
            NamespaceCallKind.Create or NamespaceCallKind.MakeDirectory => Make(call, ref state),
            NamespaceCallKind.OpenOrCreate => OpenOrCreate(call, ref state),
            NamespaceCallKind.Unlink => Unlink(call, ref state),
            NamespaceCallKind.RemoveDirectory => RemoveDirectory(call, ref state),
            NamespaceCallKind.Link => part == 0 ? ResolveLink(call, ref state) : MakeLink(call, ref state),
            NamespaceCallKind.Rename => Rename(call, ref state),
            NamespaceCallKind.Stat => Stat(call, state),
            NamespaceCallKind.StatParent => !IsAlive(state, call.Directory) || Gives(call, 0) && call.SeenDirectory && call.SeenId == IdOf(ParentOf(state, call.Directory)),
            NamespaceCallKind.ReadDirectory => List(call, part, state),
            NamespaceCallKind.CountLinks => CountLinks(call, state),
            _ => throw new InvalidOperationException($"no model of {call.Kind}"),
        };
    }

    private void Add(NamespaceCall call)
    {
        int parts = call.Kind switch
        {
            NamespaceCallKind.Link => 2,
            NamespaceCallKind.ReadDirectory when call.Result >= 0 => Names,
            _ => 1,
        };
        for (int part = 0; part < parts; part++)
        {
            int after = call.Kind == NamespaceCallKind.Link && part == 1 ? _steps.Count - 1 : -1;
            _steps.Add(new Step(call.Invoked, call.Returned, after));
            _parts.Add((call, call.Kind == NamespaceCallKind.ReadDirectory && call.Result < 0 ? WholeCall : part));
        }
    }

    private static bool Gives(NamespaceCall call, Errno errno) => call.Result == -(long)errno;

    private static bool Make(NamespaceCall call, ref NamespaceState state)
    {
        int slot = Slot(call.Directory, call.Name);
        if (!IsAlive(state, call.Directory))
        {
            return Gives(call, Errno.ENOENT);
        }
        if (state.At(slot) != 0)
        {
            return Gives(call, Errno.EEXIST);
        }
        state = state.With(slot, call.NewId);
        return Gives(call, 0);
    }

    private bool OpenOrCreate(NamespaceCall call, ref NamespaceState state)
    {
        int slot = Slot(call.Directory, call.Name);
        byte there = state.At(slot);
        if (there != 0)
        {
            return _isDirectory[there] ? Gives(call, Errno.EISDIR) : Gives(call, 0) && call.SeenId == there;
        }
        return Make(call, ref state) && (call.Result < 0 || call.SeenId == call.NewId);
    }

    private bool Unlink(NamespaceCall call, ref NamespaceState state)
    {
        int slot = Slot(call.Directory, call.Name);
        byte there = state.At(slot);
        if (there == 0)
        {
            return Gives(call, Errno.ENOENT);
        }
        if (_isDirectory[there])
        {
            return Gives(call, Errno.EISDIR);
        }
        state = state.With(slot, 0);
        return Gives(call, 0);
    }

    private bool RemoveDirectory(NamespaceCall call, ref NamespaceState state)
    {
        int slot = Slot(call.Directory, call.Name);
        byte there = state.At(slot);
        if (there == 0)
        {
            return Gives(call, Errno.ENOENT);
        }
        if (!_isDirectory[there])
        {
            return Gives(call, Errno.ENOTDIR);
        }
        if (!IsEmpty(state, there))
        {
            return Gives(call, Errno.ENOTEMPTY);
        }
        state = state.With(slot, 0);
        return Gives(call, 0);
    }

    private static bool ResolveLink(NamespaceCall call, ref NamespaceState state)
    {
        byte there = state.At(Slot(call.Directory, call.Name));
        state = state.WithResolved(call.Thread, there == 0 ? NothingFound : there);
        return there != 0 || Gives(call, Errno.ENOENT);
    }

    private bool MakeLink(NamespaceCall call, ref NamespaceState state)
    {
        byte file = state.ResolvedOf(call.Thread);
        state = state.WithResolved(call.Thread, 0);
        if (file == NothingFound)
        {
            return true;
        }
        int slot = Slot(call.NewDirectory, call.NewName);
        if (!IsAlive(state, call.NewDirectory))
        {
            return Gives(call, Errno.ENOENT);
        }
        if (state.At(slot) != 0)
        {
            return Gives(call, Errno.EEXIST);
        }
        if (_isDirectory[file])
        {
            return Gives(call, Errno.EPERM);
        }
        if (CountOf(state, file) == 0)
        {
            return Gives(call, Errno.ENOENT); // Its last name went in between.
        }
        state = state.With(slot, file);
        return Gives(call, 0);
    }

    private bool Rename(NamespaceCall call, ref NamespaceState state)
    {
        int from = Slot(call.Directory, call.Name);
        int to = Slot(call.NewDirectory, call.NewName);
        byte source = state.At(from);
        byte victim = state.At(to);
        bool exchange = (call.Flags & RENAME_EXCHANGE) != 0;
        if (source == 0)
        {
            return Gives(call, Errno.ENOENT);
        }
        if (!IsAlive(state, call.NewDirectory))
        {
            // Linux: which of the two depends on whether the name is cached in the dead directory.
            return Gives(call, Errno.ENOENT) || Gives(call, Errno.EINVAL);
        }
        if ((call.Flags & RENAME_NOREPLACE) != 0 && victim != 0)
        {
            return Gives(call, Errno.EEXIST);
        }
        if (exchange && victim == 0)
        {
            return Gives(call, Errno.ENOENT);
        }
        if (call.Directory != call.NewDirectory)
        {
            if (IsOrHolds(state, source, call.NewDirectory))
            {
                return Gives(call, Errno.EINVAL);
            }
            if (IsOrHolds(state, victim, call.Directory))
            {
                return Gives(call, exchange ? Errno.EINVAL : Errno.ENOTEMPTY);
            }
        }
        if (source == victim)
        {
            return Gives(call, 0);
        }
        if (!exchange && victim != 0 && _isDirectory[source] != _isDirectory[victim])
        {
            return Gives(call, _isDirectory[source] ? Errno.ENOTDIR : Errno.EISDIR);
        }
        if (!exchange && victim != 0 && !IsEmpty(state, victim))
        {
            return Gives(call, Errno.ENOTEMPTY);
        }
        state = state.With(from, exchange ? victim : (byte)0).With(to, source);
        return Gives(call, 0);
    }

    private bool Stat(NamespaceCall call, NamespaceState state)
    {
        byte there = state.At(Slot(call.Directory, call.Name));
        return there == 0
            ? Gives(call, Errno.ENOENT)
            : Gives(call, 0) && call.SeenId == there && call.SeenDirectory == _isDirectory[there]
                && (call.SeenLinks == 0 || _isDirectory[there] || call.SeenLinks == CountOf(state, there));
    }

    private bool List(NamespaceCall call, int part, NamespaceState state)
    {
        if (part == WholeCall)
        {
            return Gives(call, Errno.ENOENT) && !IsAlive(state, call.Directory);
        }
        byte there = state.At(Slot(call.Directory, part));
        return call.Listed[part] == (there == 0 ? ListedKind.Absent : _isDirectory[there] ? ListedKind.Directory : ListedKind.File);
    }

    private bool CountLinks(NamespaceCall call, NamespaceState state)
    {
        int links = 2;
        for (int name = 0; name < Names; name++)
        {
            links += _isDirectory[state.At(Slot(call.Directory, name))] ? 1 : 0;
        }
        return !IsAlive(state, call.Directory) || (Gives(call, 0) && call.SeenLinks == links);
    }

    // d1 and d2 live as long as they have a name.
    private static bool IsAlive(NamespaceState state, int directory) => directory == 0 || ParentOf(state, directory) >= 0;

    private static byte IdOf(int directory) => directory == 0 ? RootId : (byte)directory;

    private static int ParentOf(NamespaceState state, int directory)
    {
        for (int slot = 0; slot < Directories * Names; slot++)
        {
            if (state.At(slot) == directory)
            {
                return slot / Names;
            }
        }
        return -1;
    }

    // Whether `id` is d1 or d2 and `directory` is or lies below it.
    private static bool IsOrHolds(NamespaceState state, byte id, int directory)
    {
        if (id is not (1 or 2))
        {
            return false;
        }
        while (directory > 0)
        {
            if (directory == id)
            {
                return true;
            }
            directory = ParentOf(state, directory);
        }
        return false;
    }

    private static bool IsEmpty(NamespaceState state, byte id)
    {
        if (id is 1 or 2)
        {
            for (int name = 0; name < Names; name++)
            {
                if (state.At(Slot(id, name)) != 0)
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static int CountOf(NamespaceState state, byte id)
    {
        int count = 0;
        for (int slot = 0; slot < Directories * Names; slot++)
        {
            count += state.At(slot) == id ? 1 : 0;
        }
        return count;
    }
}
