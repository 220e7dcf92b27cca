// How an editing command comes to its image. By itself: from its operands (IMAGE:/path), which must all name one image; the command
// runs in a session of its own and is one commit. In a batch: the batch's session, and operands are paths in its image.
using System.CommandLine;
using System.Text;

namespace Tupelo.Cli.Editing;

internal sealed class EditDoor(CommandContext context, EditSession? batch = null)
{
    private readonly Option<string?> _partition = OpenedImage.PartitionOption(withLetter: false);
    private readonly Option<bool> _grow = new("--grow") { Description = "Let the image become larger when its space is short." };

    /// <summary>The streams of the run.</summary>
    public CommandContext Context => context;

    /// <summary>True within a batch.</summary>
    public bool IsBatch => batch is not null;

    /// <summary>How operands are shown in the help.</summary>
    public string OperandName => IsBatch ? "PATH" : "IMAGE:PATH";

    /// <summary>Adds --partition and --grow, which a batch has for all its lines.</summary>
    public void AddOptions(Command command)
    {
        if (!IsBatch)
        {
            command.Add(_partition);
            command.Add(_grow);
        }
    }

    /// <summary>--partition.</summary>
    public string? PartitionOf(ParseResult parsed) => IsBatch ? null : parsed.GetValue(_partition);

    /// <summary>The argument for paths in the image.</summary>
    public Argument<string[]> Operands(string description, int atLeast = 1, string? name = null)
    {
        var operands = new Argument<string[]>((name ?? OperandName) + "...") { Description = description, Arity = new ArgumentArity(atLeast, 100_000) };
        OpenedImage.Complete(operands, context);
        return operands;
    }

    /// <summary>Runs a command on paths in one image, and commits.</summary>
    public int Run(ParseResult parsed, IReadOnlyList<string> operands, Action<EditSession, byte[][]> edit)
    {
        if (batch is not null)
        {
            edit(batch, [.. operands.Select(PathInBatch)]);
            return ExitCode.Done;
        }
        var addresses = operands.Select(operand => Parse(operand)).ToArray();
        return RunOn(parsed, operands[0], addresses, session => edit(session, [.. addresses.Select(static address => address.Path.ToArray())]));
    }

    /// <summary>Runs a command on an image as a whole, and commits. In a batch <paramref name="image"/> means nothing.</summary>
    public int RunOnImage(ParseResult parsed, string? image, Action<EditSession> edit)
    {
        if (batch is not null)
        {
            edit(batch);
            return ExitCode.Done;
        }
        var address = ImageAddress.Parse(image!, context.Terminal);
        address.RefusePath();
        return RunOn(parsed, image!, [address], edit);
    }

    /// <summary>Whether an operand names a path in an image, rather than one of the host.</summary>
    public bool IsInImage(string operand) => batch is not null
        ? operand.StartsWith(':') || ImageAddress.Parse(operand, context.Terminal) is { HasPath: true }
        : ImageAddress.Parse(operand, context.Terminal).HasPath;

    /// <summary>Whether an operand in a batch names a path in another image than the one that is edited.</summary>
    public bool IsElsewhere(string operand) => batch is not null && !operand.StartsWith(':')
        && ImageAddress.Parse(operand, context.Terminal) is { HasPath: true } address && !IsSameFile(address.ImagePath, batch.ImagePath);

    /// <summary>The path of an operand of the edited image.</summary>
    public byte[] PathOf(string operand) => batch is not null ? PathInBatch(operand) : Parse(operand).Path.ToArray();

    /// <summary>Whether two paths of the host are one file.</summary>
    public static bool IsSameFile(string left, string right) =>
        Path.GetFullPath(left) == Path.GetFullPath(right) || Resolved(left) == Resolved(right);

    private static string Resolved(string path) => new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);

    private int RunOn(ParseResult parsed, string image, ImageAddress[] addresses, Action<EditSession> edit)
    {
        foreach (ImageAddress other in addresses)
        {
            if (!IsSameFile(other.ImagePath, addresses[0].ImagePath))
            {
                throw new UsageException($"{addresses[0].ImagePath} and {other.ImagePath}: one run edits one image");
            }
        }
        using EditSession session = EditSession.Open(context, image, parsed.GetValue(_partition), parsed.GetValue(_grow));
        edit(session);
        session.Commit();
        return ExitCode.Done;
    }

    private ImageAddress Parse(string operand)
    {
        var address = ImageAddress.Parse(operand, context.Terminal);
        return address.HasPath ? address : throw new UsageException($"{operand}: no path in an image; write IMAGE:/path");
    }

    // ":/path", "/path", or with the name of the batch's own image in front.
    private byte[] PathInBatch(string operand)
    {
        if (operand.StartsWith(':'))
        {
            return operand.Length > 1 ? context.Terminal.ArgumentBytes(operand)[1..] : "/"u8.ToArray();
        }
        if (operand.Contains(':') && ImageAddress.Parse(operand, context.Terminal) is { HasPath: true } address && IsSameFile(address.ImagePath, batch!.ImagePath))
        {
            return address.Path.ToArray();
        }
        return operand.Length > 0 ? Encoding.UTF8.GetBytes(operand) : throw new UsageException("a path is empty");
    }
}
