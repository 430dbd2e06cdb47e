package dev.sandlot.node;

import dev.sandlot.envd.EnvdConfig;
import dev.sandlot.envd.EnvdHost;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.envd.FileProcessJournal;
import dev.sandlot.envd.IdRange;
import dev.sandlot.envd.ProcessJournal;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.protocol.SandboxSpec;
import dev.sandlot.runtime.RunningSandbox;
import java.io.IOException;
import java.net.InetSocketAddress;

/** A sandbox of this node with the service that the node hosts for it. */
record HostedSandbox(
        SandboxSpec spec, RunningSandbox running, EnvdSandbox envd, SandboxFiles files, FileProcessJournal journal) {
    /** Users of a sandbox. */
    static final int IDS = 65536;

    static HostedSandbox open(
            EnvdHost host,
            SandboxSpec spec,
            RunningSandbox running,
            EnvdSandbox.SupervisorLink link,
            FileProcessJournal journal)
            throws IOException {
        SandboxFiles files = files(running);
        return new HostedSandbox(spec, running, envd(host, spec, running, link, files, journal), files, journal);
    }

    static SandboxFiles files(RunningSandbox running) {
        return new SandboxFiles(running.root(), new IdRange(running.uidBase(), IDS));
    }

    static EnvdSandbox envd(
            EnvdHost host,
            SandboxSpec spec,
            RunningSandbox running,
            EnvdSandbox.SupervisorLink link,
            SandboxFiles files,
            ProcessJournal journal)
            throws IOException {
        EnvdSandbox.Parts parts = new EnvdSandbox.Parts(
                files, link, new SandboxFigures(running, spec.memoryMb(), spec.cpuCount()), journal);
        EnvdConfig config = new EnvdConfig(
                spec.id(),
                spec.templateId(),
                spec.teamId().toString(),
                spec.envVars(),
                spec.envdAccessToken(),
                spec.defaultUser(),
                spec.defaultWorkdir());
        return EnvdSandbox.open(host, config, parts);
    }

    ServicePort port(int port) {
        return new ServicePort(new InetSocketAddress(running.address(), port), running::openSocket);
    }
}
