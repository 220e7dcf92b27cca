// What chmod's words mean: an octal number, or clauses like u=rwx,go-w,a+X. Source: chmod(1), POSIX.1-2017.
namespace Tupelo.Cli.Editing;

internal sealed class ModeChange
{
    private const uint SetUid = 0x800;
    private const uint SetGid = 0x400;
    private const uint Sticky = 0x200;
    private const uint AllExecute = 0x49;

    private readonly List<Clause> _clauses = [];
    private uint? _octal;
    private bool _octalSetsAll; // five digits: a directory's set-id bits are cleared too

    /// <summary>Reads a change.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static ModeChange Parse(string text)
    {
        var change = new ModeChange();
        if (text.Length > 0 && char.IsAsciiDigit(text[0]))
        {
            change._octal = EditSession.TryParseOctal(text, out uint mode) ? mode : throw Wrong(text);
            change._octalSetsAll = text.Length > 4;
            return change;
        }
        int at = 0;
        change.ParseClause(text, ref at);
        while (at < text.Length)
        {
            if (text[at++] != ',')
            {
                throw Wrong(text);
            }
            change.ParseClause(text, ref at);
        }
        return change;
    }

    /// <summary>The permissions that come of <paramref name="mode"/>.</summary>
    public uint Apply(uint mode, bool isDirectory, uint umask)
    {
        mode &= Mode.PermissionMask;
        if (_octal is { } octal)
        {
            // As GNU chmod: a directory keeps set-id bits that the number does not name.
            return isDirectory && !_octalSetsAll ? octal | (mode & (SetUid | SetGid)) : octal;
        }
        foreach (Clause clause in _clauses)
        {
            mode = clause.Apply(mode, isDirectory, umask);
        }
        return mode;
    }

    private void ParseClause(string text, ref int at)
    {
        uint who = 0;
        for (; at < text.Length && "ugoa".Contains(text[at]); at++)
        {
            who |= text[at] switch { 'u' => 0x1C0 | SetUid, 'g' => 0x38 | SetGid, 'o' => 7 | Sticky, _ => Mode.PermissionMask };
        }
        bool any = false;
        while (at < text.Length && text[at] is '+' or '-' or '=')
        {
            char operation = text[at++];
            any = true;
            char copy = '\0';
            uint bits = 0;
            bool executeIfAny = false;
            if (at < text.Length && text[at] is 'u' or 'g' or 'o')
            {
                copy = text[at++];
            }
            else
            {
                for (; at < text.Length && "rwxXst".Contains(text[at]); at++)
                {
                    executeIfAny |= text[at] == 'X';
                    bits |= text[at] switch { 'r' => 0x124, 'w' => 0x92, 'x' => AllExecute, 's' => SetUid | SetGid, 't' => Sticky, _ => 0u };
                }
            }
            _clauses.Add(new Clause(who, operation, bits, copy, executeIfAny));
        }
        if (!any)
        {
            throw Wrong(text);
        }
    }

    private static UsageException Wrong(string text) => new($"'{text}' is no mode: 644, u=rw,go=r or a+X, for example");

    private readonly record struct Clause(uint Who, char Operation, uint Bits, char Copy, bool ExecuteIfAny)
    {
        public uint Apply(uint mode, bool isDirectory, uint umask)
        {
            uint bits = Bits;
            if (Copy != '\0')
            {
                uint three = (mode >> (Copy == 'u' ? 6 : Copy == 'g' ? 3 : 0)) & 7;
                bits = three * AllExecute;
            }
            if (ExecuteIfAny && (isDirectory || (mode & AllExecute) != 0))
            {
                bits |= AllExecute;
            }
            // Without u, g, o or a: everybody, but for what the umask keeps back.
            uint who = Who != 0 ? Who : Mode.PermissionMask;
            uint affected = bits & who & (Who != 0 ? uint.MaxValue : ~umask);
            return Operation switch
            {
                '+' => mode | affected,
                '-' => mode & ~affected,
                _ => (mode & ~(who & (isDirectory ? ~(SetUid | SetGid) | (bits & (SetUid | SetGid)) : uint.MaxValue))) | affected,
            };
        }
    }
}
