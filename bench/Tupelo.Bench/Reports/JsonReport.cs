using System.Text.Json;

namespace Tupelo.Bench;

/// <summary>Every sample of every row, for other programs.</summary>
internal static class JsonReport
{
    public static void Write(string path, string machine, IEnumerable<RaceResult> results)
    {
        using FileStream file = File.Create(path);
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("machine", machine);
        json.WriteStartArray("races");
        foreach (RaceResult result in results)
        {
            json.WriteStartObject();
            json.WriteString("suite", result.Race.Suite);
            json.WriteString("name", result.Race.Name);
            json.WriteString("unit", result.Race.Unit);
            json.WriteString("decidedBy", result.Race.Metric.ToString());
            json.WriteNumber("load", result.LoadAverage);
            if (result.MeetsGoal is { } met)
            {
                json.WriteString("goal", TableReport.Describe(result.Race));
                json.WriteBoolean("met", met);
            }
            json.WriteStartArray("contenders");
            for (int i = 0; i < result.Standings.Count; i++)
            {
                Write(json, result, i);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, RaceResult result, int index)
    {
        Standing standing = result.Standings[index];
        json.WriteStartObject();
        json.WriteString("name", standing.Name);
        Write(json, "cpuNs", standing.Cpu);
        Write(json, "wallNs", standing.Wall);
        json.WriteNumber("allocatedBytes", standing.Allocated.Median);
        if (standing.MemoryPerOperation is { } memory)
        {
            json.WriteNumber("memoryBytes", memory);
        }
        if (index > 0)
        {
            Write(json, "cpuRatio", result.RatioTo(index, Metric.Cpu));
            Write(json, "wallRatio", result.RatioTo(index, Metric.Wall));
        }
        json.WriteStartArray("samples");
        foreach (Sample sample in standing.Samples)
        {
            json.WriteStartArray();
            json.WriteNumberValue(sample.CpuNs);
            json.WriteNumberValue(sample.WallNs);
            json.WriteNumberValue(sample.AllocatedBytes);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, RatioVerdict verdict)
    {
        Write(json, name, verdict.Ratio);
        json.WriteBoolean(name + "IsClear", verdict.IsClear);
    }

    private static void Write(Utf8JsonWriter json, string name, Spread spread)
    {
        json.WriteStartArray(name);
        json.WriteNumberValue(spread.Lower);
        json.WriteNumberValue(spread.Median);
        json.WriteNumberValue(spread.Upper);
        json.WriteEndArray();
    }
}
