// tupelo xattr: extended attributes of a file.
using System.CommandLine;
using System.Text;
using Tupelo.Tfs;

namespace Tupelo.Cli.Editing;

internal static class XattrCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        var command = new Command("xattr", "Read and change extended attributes.")
        {
            CreateGet(door), CreateList(door), CreateSet(door), CreateRemove(door),
        };
        Examples.Add(command, "tupelo xattr set app.img:/bin/app user.version 1.2", "tupelo xattr list app.img:/bin/app");
        return command;
    }

    private static Command CreateSet(EditDoor door)
    {
        (Argument<string> path, Argument<string> name, Option<bool> noFollow) = Parts(door);
        var value = new Argument<string>("VALUE") { Description = "A text; 0x with hexadecimal digits, 0s with base64." };
        var command = new Command("set", "Set an attribute.") { path, name, value, noFollow };
        door.AddOptions(command);
        command.SetAction(parsed => door.Run(parsed, [parsed.GetRequiredValue(path)], (session, operands) =>
        {
            byte[] bytes = Value(door, parsed.GetRequiredValue(value));
            byte[] key = Encoding.UTF8.GetBytes(parsed.GetRequiredValue(name));
            long set = session.Change(() => session.Calls.SetXattrAt(AtFd.CurrentDirectory, operands[0], Flags(parsed.GetValue(noFollow)), key, bytes, XattrFlags.None), bytes.Length);
            _ = set == -(long)Errno.EOPNOTSUPP
                ? throw new CommandException($"'{parsed.GetRequiredValue(name)}' cannot be an attribute's name here; it needs a '.' inside: user.{parsed.GetRequiredValue(name)}")
                : session.Check(set, "set an attribute of", operands[0]);
        }));
        return command;
    }

    private static Command CreateRemove(EditDoor door)
    {
        (Argument<string> path, Argument<string> name, Option<bool> noFollow) = Parts(door);
        var command = new Command("rm", "Remove an attribute.") { path, name, noFollow };
        door.AddOptions(command);
        command.SetAction(parsed => door.Run(parsed, [parsed.GetRequiredValue(path)], (session, operands) =>
        {
            byte[] key = Encoding.UTF8.GetBytes(parsed.GetRequiredValue(name));
            _ = session.Check(session.Change(() => session.Calls.RemoveXattrAt(AtFd.CurrentDirectory, operands[0], Flags(parsed.GetValue(noFollow)), key)),
                $"remove the attribute {parsed.GetRequiredValue(name)} of", operands[0]);
        }));
        return command;
    }

    private static Command CreateGet(EditDoor door)
    {
        (Argument<string> path, Argument<string> name, Option<bool> noFollow) = Parts(door);
        Option<string?> partition = OpenedImage.PartitionOption(withLetter: false);
        var command = new Command("get", "Print an attribute's value, as it is.") { path, name, noFollow };
        AddPartition(door, command, partition);
        command.SetAction(parsed => Read(door, parsed.GetRequiredValue(path), parsed.GetValue(partition), (tree, file) =>
        {
            Errno errno = tree.GetXattr(file, !parsed.GetValue(noFollow), Encoding.UTF8.GetBytes(parsed.GetRequiredValue(name)), out byte[] value);
            if (errno != Errno.None)
            {
                throw new CommandException($"{tree.Text(file)}: {parsed.GetRequiredValue(name)}: {errno.Describe()}");
            }
            door.Context.Output.Name(value);
            if (door.Context.Output.IsTerminal)
            {
                door.Context.Output.NewLine();
            }
        }));
        return command;
    }

    private static Command CreateList(EditDoor door)
    {
        (Argument<string> path, _, Option<bool> noFollow) = Parts(door);
        Option<string?> partition = OpenedImage.PartitionOption(withLetter: false);
        var json = new Option<bool>("--json") { Description = "Print JSON, with values; see docs/cli.md." };
        var command = new Command("list", "Print the names of a file's attributes.") { path, noFollow, json };
        AddPartition(door, command, partition);
        command.SetAction(parsed => Read(door, parsed.GetRequiredValue(path), parsed.GetValue(partition), (tree, file) =>
        {
            Errno errno = tree.ListXattrs(file, !parsed.GetValue(noFollow), out List<byte[]> names);
            if (errno != Errno.None)
            {
                throw new CommandException($"{tree.Text(file)}: {errno.Describe()}");
            }
            names.Sort(static (left, right) => left.AsSpan().SequenceCompareTo(right));
            if (!parsed.GetValue(json))
            {
                foreach (byte[] name in names)
                {
                    door.Context.Output.Name(name);
                    door.Context.Output.NewLine();
                }
                return;
            }
            using var array = new JsonArray(door.Context.Output);
            foreach (byte[] name in names)
            {
                _ = tree.GetXattr(file, !parsed.GetValue(noFollow), name, out byte[] value);
                System.Text.Json.Utf8JsonWriter element = array.Begin();
                element.WriteStartObject();
                element.WriteText("name", name);
                element.WriteText("value", value);
                element.WriteEndObject();
                array.End();
            }
            array.Close();
        }));
        return command;
    }

    private static void AddPartition(EditDoor door, Command command, Option<string?> partition)
    {
        if (!door.IsBatch)
        {
            command.Add(partition);
        }
    }

    // Reading takes no lock against other readers, and writes nothing; in a batch it sees what the lines before it have done.
    private static int Read(EditDoor door, string operand, string? partition, Action<EditTree, byte[]> read)
    {
        if (door.IsBatch)
        {
            return door.Run(null!, [operand], (session, operands) => read(session.Image, operands[0]));
        }
        using OpenedImage image = OpenedImage.Open(door.Context, operand, partition);
        if (!image.Address.HasPath)
        {
            throw new UsageException($"{operand}: no path in an image; write IMAGE:/path");
        }
        using EditTree tree = EditTree.OfVolume(TfsFileSystem.Mount(image.VolumeDevice, new TfsMountOptions { ReadOnly = true }), image.Address.ImagePath);
        read(tree, image.Address.Path.ToArray());
        return ExitCode.Done;
    }

    private static (Argument<string> Path, Argument<string> Name, Option<bool> NoFollow) Parts(EditDoor door)
    {
        var path = new Argument<string>(door.OperandName) { Description = "The file." };
        OpenedImage.Complete(path, door.Context);
        return (path, new Argument<string>("NAME") { Description = "The attribute: user.note, for example." },
            new Option<bool>("--no-dereference", "-h") { Description = "Of a symbolic link itself, not of what it leads to." });
    }

    private static AtFlags Flags(bool noFollow) => noFollow ? AtFlags.SymlinkNoFollow : AtFlags.None;

    private static byte[] Value(EditDoor door, string text)
    {
        try
        {
            return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? Convert.FromHexString(text.AsSpan(2))
                : text.StartsWith("0s", StringComparison.OrdinalIgnoreCase) ? Convert.FromBase64String(text[2..])
                : door.Context.Terminal.ArgumentBytes(text);
        }
        catch (FormatException)
        {
            throw new UsageException($"'{text}' is no value: 0x is followed by hexadecimal digits, 0s by base64");
        }
    }
}
