package dev.sandlot.runtime;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

final class FirstSandbox {
    public static void main(String[] a) throws Exception {
        Path data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-first-");
        List<Path> layers = List.of(Path.of("/tmp/exp/c/root"));
        long t0 = System.nanoTime();
        try (OciRuntime rt = OciRuntime.open(RuntimeConfig.defaults(data), (i, p, s) -> {})) {
            System.out.println("open " + (System.nanoTime() - t0) / 1000 + "us");
            List<Long> times = new ArrayList<>();
            List<Long> kills = new ArrayList<>();
            int n = Integer.parseInt(a.length > 0 ? a[0] : "1");
            for (int i = 0; i < n; i++) {
                RuntimeSpec spec = new RuntimeSpec("first" + i, "base", layers, 2, 512, 1024, "e2b.local", true, Map.of());
                long t = System.nanoTime();
                RunningSandbox s = rt.start(spec);
                times.add((System.nanoTime() - t) / 1000);
                if (i == 0) {
                    System.out.println(new Inside(s).sh("id; cat /proc/self/uid_map; cat /proc/self/cgroup; ls -la / /dev /run/e2b; cat /etc/resolv.conf /etc/hosts; ip a; ip r; mount; grep -i -e cap -e seccomp /proc/self/status; ps aux; unshare -Ur true; mount -t tmpfs x /mnt; ping -c1 127.0.0.1"));
                }
                t = System.nanoTime();
                rt.kill(spec.id());
                kills.add((System.nanoTime() - t) / 1000);
            }
            System.out.println("start " + times);
            System.out.println("kill " + kills);
            Collections.sort(times);
            Collections.sort(kills);
            System.out.println("start p50 " + times.get(n / 2) + " p95 " + times.get((int) (n * 0.95)) + " kill p50 " + kills.get(n / 2));
            System.out.println(rt.status());
            System.out.println(rt.leaks());
        }
        Trash.remove(data);
    }
}
