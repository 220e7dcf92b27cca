// tupelo set and tupelo unset: what an image tells the kernel: attributes of its root, and the environment.
using System.CommandLine;
using System.Text;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli.Editing;

internal static class SetCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        (Argument<string>? image, Argument<string[]> words) = Arguments(door, "KEY=TEXT", "KEY=TEXT, or KEY:=VALUE in the language of manifests. environment.NAME is a variable of the environment.");
        var command = new Command("set", "Set attributes of the root: program, arguments, environment ... all in one commit.");
        Add(door, command, image, words);
        Examples.Add(command, "tupelo set app.img environment.PORT=8080", "tupelo set app.img program=/bin/app 'arguments:=[app -v]'");
        command.SetAction(parsed =>
        {
            var changes = parsed.GetRequiredValue(words).Select(Setting).ToArray();
            return door.RunOnImage(parsed, image is null ? null : parsed.GetRequiredValue(image), session =>
            {
                foreach ((string key, TfsLiteral value) in changes)
                {
                    AttributeName[] path = Path(session, key);
                    Report(session, key, session.Change(() => -(long)session.Volume.SetRootAttribute(path, value)));
                }
            });
        });
        return command;
    }

    public static Command CreateUnset(CommandContext context) => CreateUnset(new EditDoor(context));

    public static Command CreateUnset(EditDoor door)
    {
        (Argument<string>? image, Argument<string[]> words) = Arguments(door, "KEY", "Attributes of the root; environment.NAME is a variable of the environment.");
        var force = new Option<bool>("--force", "-f") { Description = "Say nothing of what does not exist." };
        var command = new Command("unset", "Remove attributes of the root, all in one commit.") { force };
        Add(door, command, image, words);
        Examples.Add(command, "tupelo unset app.img environment.PORT debugsyscalls");
        command.SetAction(parsed => door.RunOnImage(parsed, image is null ? null : parsed.GetRequiredValue(image), session =>
        {
            foreach (string key in parsed.GetRequiredValue(words))
            {
                AttributeName[] path = Path(session, key);
                long result = session.Change(() => -(long)session.Volume.UnsetRootAttribute(path));
                if (result != -(long)Errno.ENODATA || !parsed.GetValue(force))
                {
                    Report(session, key, result);
                }
            }
        }));
        return command;
    }

    private static (Argument<string>? Image, Argument<string[]> Words) Arguments(EditDoor door, string name, string description)
    {
        var words = new Argument<string[]>(name + "...") { Description = description, Arity = new ArgumentArity(1, 100_000) };
        return (door.IsBatch ? null : OpenedImage.ImageArgument(), words);
    }

    private static void Add(EditDoor door, Command command, Argument<string>? image, Argument<string[]> words)
    {
        if (image is not null)
        {
            command.Add(image);
        }
        command.Add(words);
        door.AddOptions(command);
    }

    // A dot leads into the environment, and into whatever else is a tuple already; otherwise it is a part of the name.
    private static AttributeName[] Path(EditSession session, string key)
    {
        int dot = key.IndexOf('.', StringComparison.Ordinal);
        byte[] first = Encoding.UTF8.GetBytes(dot < 0 ? key : key[..dot]);
        return dot > 0 && (first.AsSpan().SequenceEqual("environment"u8) || session.Volume.IsRootTuple(first))
            ? [new AttributeName(first), new AttributeName(Encoding.UTF8.GetBytes(key[(dot + 1)..]))]
            : [new AttributeName(Encoding.UTF8.GetBytes(key))];
    }

    private static (string Key, TfsLiteral Value) Setting(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        bool isManifest = equals > 0 && text[equals - 1] == ':';
        string key = text[..Math.Max(0, isManifest ? equals - 1 : equals)];
        if (key.Length == 0)
        {
            throw new UsageException($"'{text}' has not the form KEY=TEXT or KEY:=VALUE");
        }
        try
        {
            string value = text[(equals + 1)..];
            return (key, isManifest ? ManifestParser.ParseValue(Encoding.UTF8.GetBytes(value), "value") : new StringLiteral(value));
        }
        catch (ImageException wrong)
        {
            throw new UsageException($"'{text}': {wrong.Message}");
        }
    }

    private static void Report(EditSession session, string key, long result)
    {
        if (result >= 0)
        {
            return;
        }
        session.Fail((Errno)(-result) switch
        {
            Errno.EPERM => $"{session.ImagePath}: {key} is the file system's own",
            Errno.ENODATA => $"{session.ImagePath}: has no {key}",
            Errno.ENOTDIR => $"{session.ImagePath}: {key[..key.IndexOf('.', StringComparison.Ordinal)]} is a value, and nothing can be in it",
            Errno.EINVAL => $"{session.ImagePath}: '{key}' cannot be an attribute's name",
            Errno errno => $"{session.ImagePath}: {key}: {errno.Describe()}",
        });
    }
}
