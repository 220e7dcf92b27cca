// tupelo stat: everything about one file: kind, size, owner, times, extents, extended attributes.
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class StatCommand
{
    public static Command Create(CommandContext context)
    {
        var addresses = new Argument<string[]>("IMAGE[:PATH]") { Description = "Files; without a path the root.", Arity = ArgumentArity.OneOrMore };
        OpenedImage.Complete(addresses, context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var follow = new Option<bool>("--dereference", "-L") { Description = "What a symlink leads to, not the link." };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("stat", "Tell all about files: size, owner, times, extents, attributes.") { addresses, follow, json, partition };
        Examples.Add(command, "tupelo stat demo.img:/index.html", "tupelo stat --json demo.img:/a demo.img:/b");
        command.SetAction(parsed =>
        {
            using JsonArray? array = parsed.GetValue(json) ? new JsonArray(context.Output) : null;
            bool first = true;
            foreach (string argument in parsed.GetRequiredValue(addresses))
            {
                using OpenedImage image = OpenedImage.Open(context, argument, parsed.GetValue(partition));
                TfsNode node = image.Find(parsed.GetValue(follow));
                if (array is not null)
                {
                    WriteJson(array.Begin(), image, node);
                    array.End();
                    continue;
                }
                if (!first)
                {
                    context.Output.NewLine();
                }
                first = false;
                Print(context, image, node);
            }
            array?.Close();
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(CommandContext context, OpenedImage image, TfsNode node)
    {
        TfsVolume volume = image.Volume;
        FileType type = volume.TypeOf(node);
        volume.GetStat(node, out Stat stat);
        var page = new FieldList(context);
        page.Heading(Encoding.UTF8.GetString(image.NormalPath()));
        page.Field("type", JsonText.TypeName(type));
        if (type == FileType.Symlink)
        {
            page.Field("target", NameText.Escape(volume.TargetOf(node)));
        }
        page.Field("size", string.Create(CultureInfo.InvariantCulture, $"{stat.SizeBytes} bytes, {stat.Blocks512} sectors of 512"));
        page.Field("links", stat.LinkCount.ToString(CultureInfo.InvariantCulture));
        page.Field("mode", $"{EntryText.Octal(stat.Mode)} {EntryText.ModeText(stat.Mode)}");
        page.Field("owner", string.Create(CultureInfo.InvariantCulture, $"uid {stat.Uid}, gid {stat.Gid}"));
        if (type is FileType.CharDevice or FileType.BlockDevice)
        {
            page.Field("device", string.Create(CultureInfo.InvariantCulture, $"{DeviceNumber.MajorOf(stat.RawDevice)}, {DeviceNumber.MinorOf(stat.RawDevice)}"));
        }
        page.Field("modified", Time(stat.ModifyTime));
        page.Field("accessed", Time(stat.AccessTime));
        page.Field("changed", Time(stat.ChangeTime));
        page.Field("created", Time(stat.BirthTime));
        page.Field("tuple", node.Id.ToString(CultureInfo.InvariantCulture));
        if (type == FileType.Directory)
        {
            page.Field("entries", volume.EntryCountOf(node).ToString(CultureInfo.InvariantCulture));
        }
        foreach ((byte[] name, byte[] value) in ExtendedAttributes.Of(volume, node))
        {
            page.Field("xattr", $"{NameText.Escape(name)} = \"{NameText.Escape(value)}\"");
        }
        if (type == FileType.Regular)
        {
            var extents = new List<TfsExtent>();
            Errno errno = volume.GetExtents(node, extents);
            if (errno != Errno.None)
            {
                context.Error($"{image.Address.ImagePath}: {image.Address.PathText}: its extents cannot be read: {errno.Describe()}");
            }
            foreach (TfsExtent extent in extents)
            {
                page.Field("extent", string.Create(CultureInfo.InvariantCulture,
                    $"sectors {extent.FileSector}..{extent.FileSector + extent.SectorCount - 1} of the file at {extent.StartSector} of the volume, {extent.AllocatedSectors} allocated{(extent.IsUninitialized ? ", never written" : "")}"));
            }
        }
        page.Print();
    }

    private static void WriteJson(Utf8JsonWriter json, OpenedImage image, TfsNode node)
    {
        TfsVolume volume = image.Volume;
        FileType type = volume.TypeOf(node);
        volume.GetStat(node, out Stat stat);
        json.WriteStartObject();
        json.WriteText("path", image.NormalPath());
        json.WriteString("type", JsonText.TypeName(type));
        json.WriteNumber("size", stat.SizeBytes);
        json.WriteNumber("nlink", stat.LinkCount);
        if (type == FileType.Symlink)
        {
            json.WriteText("target", volume.TargetOf(node));
        }
        EntryText.WriteDetails(json, type, stat);
        json.WriteTime("atime", stat.AccessTime);
        json.WriteTime("ctime", stat.ChangeTime);
        json.WriteTime("btime", stat.BirthTime);
        json.WriteNumber("sectors", stat.Blocks512);
        json.WriteNumber("tuple", node.Id);
        json.WriteStartArray("xattrs");
        foreach ((byte[] name, byte[] value) in ExtendedAttributes.Of(volume, node))
        {
            json.WriteStartObject();
            json.WriteText("name", name);
            json.WriteText("value", value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (type == FileType.Regular)
        {
            var extents = new List<TfsExtent>();
            bool isDamaged = volume.GetExtents(node, extents) != Errno.None;
            json.WriteBoolean("damaged", isDamaged);
            json.WriteStartArray("extents");
            foreach (TfsExtent extent in extents)
            {
                json.WriteStartObject();
                json.WriteNumber("fileSector", extent.FileSector);
                json.WriteNumber("startSector", extent.StartSector);
                json.WriteNumber("sectors", extent.SectorCount);
                json.WriteNumber("allocatedSectors", extent.AllocatedSectors);
                json.WriteBoolean("uninitialized", extent.IsUninitialized);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static string Time(Timespec time) => time == default ? "-" : TimeText.Exact(time);
}
